"""A hold on an embedded server: it runs while at least one process holds it. keeper.py is the other half.

Knows how to start, share, wait for and leave a server; not what the server is.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from portal.embedded.locks import FileLock
from portal.errors import EmbeddedError

KEEPER = Path(__file__).with_name("keeper.py")
START_SECONDS = 60.0
STOP_SECONDS = 45.0
#: A server that died this often in a row is not going to come up.
MAX_FAILURES = 7


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started and stopped. `uid` and `gid` are None to stay who we are."""

    argv: tuple[str, ...]
    cwd: str
    stop_signal: int
    uid: int | None = None
    gid: int | None = None
    stop_seconds: float = 30.0


class Hold:
    """One process's share in the server `name` of the data dir.

    `prepare` makes everything ready on disk and says how to launch; it is called by one process at a time,
    and only while the server is down. `is_ready` answers whether the server serves.
    """

    def __init__(
        self, name: str, data_dir: Path, prepare: Callable[[], Launch], is_ready: Callable[[], bool]
    ) -> None:
        self.name = name
        self._run_dir = data_dir / "run"
        self._prepare = prepare
        self._is_ready = is_ready
        self._run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._users = FileLock(self._run_dir / f"{name}.users")
        self.log = self._run_dir / f"{name}.log"

    def acquire(self) -> None:
        """Share the running server or start it. Raises EmbeddedError when it does not come up."""
        if not self._users.wait_shared(STOP_SECONDS):
            raise EmbeddedError(
                f"The previous embedded {self.name} is still shutting down after {STOP_SECONDS:.0f} s; "
                "nothing was started. Wait a moment and start again."
            )
        try:
            self._start()
        except BaseException:
            self.release()
            raise

    def ensure(self) -> None:
        """Start the server again if its keeper was killed; the keeper itself restarts a server that dies.

        Cheap when all is well, so it may be called every second. Raises EmbeddedError.
        """
        if not self._is_kept():
            self._start()

    def release(self) -> None:
        """Leave the server; when nobody else uses it, return after it has shut down. May be repeated."""
        self._users.release()
        deadline = time.monotonic() + STOP_SECONDS
        probe = FileLock(self._users.path)
        seen_others = 0
        while self._is_kept() and time.monotonic() < deadline and seen_others < 3:
            # Sharing is possible and being alone is not: others use it. Neither is possible: it is stopping.
            # Seen once, it may have been somebody who is leaving too and was looking as we do.
            alone, shared = self._probe(probe.try_exclusive, probe), self._probe(probe.try_shared, probe)
            seen_others = seen_others + 1 if shared and not alone else 0
            time.sleep(0.05)

    @property
    def server_pid(self) -> int | None:
        """The running server's process id; None while it is down."""
        pid = self._status().get("pid")
        return pid if self._is_kept() else None

    def _start(self) -> None:
        start = FileLock(self._run_dir / f"{self.name}.start")
        if not start.wait_exclusive(START_SECONDS * 2):
            raise EmbeddedError(
                f"Another process has been starting the embedded {self.name} for two minutes; "
                "nothing was started here. Stop that process and start again."
            )
        try:
            self._bring_up()
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(
                f"The embedded {self.name} could not be started: {error}. Nothing else was started. "
                f"Check free space and permissions in {self._run_dir.parent}."
            ) from error
        finally:
            start.release()

    def _bring_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self._is_kept():
                self._launch()
            elif self._is_ready():
                return
            elif (self._status().get("failures") or 0) >= MAX_FAILURES:
                break
            time.sleep(0.05)
        raise EmbeddedError(
            f"The embedded {self.name} did not come up; nothing else was started. "
            f"Its last words were: {self._last_words()} (all of it: {self.log})"
        )

    def _launch(self) -> None:
        spec = asdict(self._prepare())
        # Nothing of our environment: no secret has any business in a server's /proc entry.
        spec["env"] = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        spec["log"] = str(self.log)
        (self._run_dir / f"{self.name}.status").unlink(missing_ok=True)
        (self._run_dir / f"{self.name}.json").write_text(json.dumps(spec), encoding="utf-8")
        with self.log.open("ab") as log:
            subprocess.run(
                [sys.executable, "-I", "-S", str(KEEPER), str(self._run_dir), self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                check=True,
                timeout=START_SECONDS,
            )
        deadline = time.monotonic() + 5
        while not self._is_kept() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _is_kept(self) -> bool:
        probe = FileLock(self._run_dir / f"{self.name}.keeper")
        return not self._probe(probe.try_shared, probe)

    def _status(self) -> dict[str, int | None]:
        try:
            status: dict[str, int | None] = json.loads((self._run_dir / f"{self.name}.status").read_text())
        except (OSError, ValueError):
            return {}
        return status

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "none")

    @staticmethod
    def _probe(attempt: Callable[[], bool], lock: FileLock) -> bool:
        try:
            return attempt()
        finally:
            lock.release()
