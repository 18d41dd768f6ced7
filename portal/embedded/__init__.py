"""PostgreSQL and Redis for one machine, started from installed packages when no address is configured.

Wiring calls this; models, services and jobs only ever see a database and a Redis address.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from portal.config import Settings
from portal.embedded import postgres, redis
from portal.embedded.secrets import ensure_secrets
from portal.embedded.server import EmbeddedServer
from portal.errors import EmbeddedError


@dataclass(frozen=True, slots=True)
class Services:
    """What is running for us: complete settings, and `ensure` to bring back what was killed."""

    settings: Settings
    ensure: Callable[[], None]


def resolve(settings: Settings) -> Settings:
    """Fill in what embedded mode provides: the secrets (generated once) and the addresses of its servers,
    running or not. Starts nothing. Raises EmbeddedError when the data dir cannot be written."""
    data_dir = make_data_dir(settings.data_dir)
    if settings.database_url is None:
        ensure_secrets(data_dir)
        settings = replace(settings, database_url=postgres.postgres_url(data_dir)).with_stored_secrets()
    if settings.redis_url is None:
        settings = replace(settings, redis_url=redis.redis_url(data_dir))
    return settings.require_complete()


@contextmanager
def hold(settings: Settings, *, durable: bool = True) -> Iterator[Services]:
    """Share the running embedded servers, or start the ones that are needed, until the block ends.

    The last of all processes to leave stops them. Safe to run many times at once. Raises EmbeddedError.
    """
    data_dir = make_data_dir(settings.data_dir)
    complete = resolve(settings)
    with ExitStack() as stack:
        servers: list[EmbeddedServer] = []
        if settings.database_url is None:
            servers.append(postgres.start(data_dir, durable=durable))
            stack.callback(servers[-1].stop)
        if settings.redis_url is None:
            servers.append(redis.start(data_dir))
            stack.callback(servers[-1].stop)

        def ensure() -> None:
            for server in servers:
                server.ensure()

        yield Services(complete, ensure)


@contextmanager
def services(settings: Settings) -> Iterator[Settings]:
    """`hold`, for a command that only needs the completed settings."""
    with hold(settings) as held:
        yield held.settings


def make_data_dir(data_dir: Path) -> Path:
    """The data dir as an absolute path; created when missing. Raises EmbeddedError when it cannot be used."""
    path = data_dir.resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "run").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"The data dir {path} cannot be used: {error.strerror}. Nothing was started. "
            "Choose another one with PORTAL_DATA_DIR."
        ) from error
    return path
