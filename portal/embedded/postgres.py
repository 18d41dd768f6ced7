"""The embedded PostgreSQL: one cluster in the data dir, reachable through a private unix socket only."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

from portal.embedded.binaries import data_version, find_postgres, let_through, make_runnable
from portal.embedded.hold import Launch
from portal.embedded.server import EmbeddedServer
from portal.embedded.sockets import make_private, socket_dir
from portal.embedded.system_user import postgres_identity
from portal.errors import EmbeddedError

SOCKET = ".s.PGSQL.5432"
DATABASE = "portal"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_checkpoints": "off",
    "jit": "off",
}
#: For throw-away clusters of tests: a power cut may lose everything.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """A share in the PostgreSQL of one data dir; `url` is for SQLAlchemy."""

    def __init__(self, data_dir: Path, *, durable: bool) -> None:
        super().__init__("postgres", data_dir)
        self._durable = durable

    @property
    def url(self) -> str:
        return postgres_url(self._dir.parent)

    def _prepare(self) -> Launch:
        version, programs = find_postgres(data_version(self._dir))
        identity = postgres_identity(self._dir)
        uid, gid = identity or (None, None)
        if identity:
            make_runnable(programs, *identity)
            let_through(self._dir, identity[0])
        if data_version(self._dir) is None:
            _create_cluster(self._dir, programs, version, identity)
        _remove_stale_pid(self._dir)
        sockets = socket_dir(self._dir, SOCKET)
        make_private(sockets, os.geteuid() if uid is None else uid)
        if uid is not None:
            let_through(sockets, uid)
        settings = SETTINGS | ({} if self._durable else FAST_SETTINGS)
        settings["unix_socket_directories"] = f'"{sockets}"'
        if version >= 18:
            settings["io_method"] = "sync"  # three processes fewer; a portal's reads are small
        argv = [str(programs / "postgres"), "-D", str(self._dir)]
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # SIGINT is PostgreSQL's fast shutdown: roll back, flush, go.
        return Launch(argv=tuple(argv), cwd=str(self._dir), stop_signal=signal.SIGINT, uid=uid, gid=gid)

    def _is_ready(self) -> bool:
        folder = str(socket_dir(self._dir, SOCKET))
        try:
            with psycopg.connect(
                host=folder, user="postgres", dbname="postgres", connect_timeout=5, autocommit=True
            ) as link:
                found = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not found:
                    with contextlib.suppress(
                        psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
                    ):
                        link.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True


def start(data_dir: Path, *, durable: bool = True) -> EmbeddedPostgres:
    """Share or start the PostgreSQL of this data dir. Raises EmbeddedError when it cannot run."""
    server = EmbeddedPostgres(data_dir, durable=durable)
    server.start()
    return server


def postgres_url(data_dir: Path, database: str = DATABASE) -> str:
    """The address of this data dir's PostgreSQL, running or not."""
    folder = socket_dir(data_dir.resolve() / "postgres", SOCKET)
    return f"postgresql+psycopg://postgres@/{database}?host={quote(str(folder))}"


def _create_cluster(data: Path, programs: Path, version: int, identity: tuple[int, int] | None) -> None:
    """initdb beside the final place and rename: an interrupted one leaves nothing half made."""
    uid, gid = identity or (None, None)
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    make_private(draft, os.geteuid() if uid is None else uid)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if version >= 17 else []
    command = [
        str(programs / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", *locale, "--no-instructions",
    ]  # fmt: skip
    made = subprocess.run(
        command, user=uid, group=gid, extra_groups=None if uid is None else [], cwd=draft,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        last = (made.stderr.strip() or made.stdout.strip() or "no output").splitlines()[-1]
        raise EmbeddedError(
            f"The embedded PostgreSQL could not create its files in {data}: {last}. Nothing was started. "
            "Check free space and permissions there, or choose another data dir (PORTAL_DATA_DIR)."
        )
    if data.exists():
        data.rmdir()  # only ever an empty one: a cluster has PG_VERSION
    draft.rename(data)


def _remove_stale_pid(data: Path) -> None:
    """Remove postmaster.pid when its process is not this cluster's: in containers the same number comes again
    after a restart, and PostgreSQL then waits for it to go away for ever."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        if Path(f"/proc/{pid}/cwd").resolve(strict=True) == data:
            return
    except (FileNotFoundError, PermissionError, ValueError):
        pass
    pid_file.unlink(missing_ok=True)
