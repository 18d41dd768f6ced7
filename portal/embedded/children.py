"""One supervised child process: starts it tied to us, relays what it prints, ends it. Decides nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from honcho.process import Popen

TETHER = Path(__file__).with_name("tether.py")
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 4.0
STABLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A row of the process table. Higher stages start later and stop earlier."""

    name: str
    argv: tuple[str, ...]
    stage: int = 0
    #: False: everything stops when this process ends.
    restart: bool = True
    #: How long it may finish its work after SIGTERM.
    stop_seconds: float = 10.0
    #: What it is sent when the supervisor dies without a word.
    orphan_signal: int = signal.SIGTERM


def spawn(
    argv: tuple[str, ...], env: Mapping[str, str], cwd: Path, orphan_signal: int, **options: object
) -> Popen:
    """Start `argv` in a session of its own, so that ctrl-C in the terminal reaches only the supervisor.

    Call it in a thread that lives as long as the child: the kernel takes the end of that thread for the
    parent's death.
    """
    tied = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(orphan_signal)), *argv]
    return Popen(tied, shell=False, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, **options)


class Child:
    """A process of the table through all its restarts."""

    def __init__(self, spec: ProcessSpec, env: Mapping[str, str], cwd: Path) -> None:
        self.spec = spec
        self.failures = 0
        self.due_at = 0.0
        self._env = env
        self._cwd = cwd
        self._popen: Popen | None = None
        self._reader: threading.Thread | None = None
        self._started_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self, relay: Callable[[str, bytes], None]) -> None:
        """Start it and hand every line it prints to `relay`."""
        self._popen = spawn(self.spec.argv, self._env, self._cwd, self.spec.orphan_signal)
        self._started_at = time.monotonic()
        self._reader = threading.Thread(
            target=self._read, args=(self._popen, relay), daemon=True, name=self.spec.name
        )
        self._reader.start()

    def plan_restart(self) -> tuple[int, float]:
        """Its exit code and the pause before the next start: longer each time it fails soon after a start."""
        code = self._popen.wait() if self._popen else 0
        self.kill()  # what it may have left behind in its session
        self._popen = None
        self.failures = 0 if time.monotonic() - self._started_at > STABLE_SECONDS else self.failures + 1
        pause = min(FIRST_PAUSE * 2 ** max(self.failures - 1, 0), LONGEST_PAUSE)
        self.due_at = time.monotonic() + pause
        return code, pause

    def terminate(self) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self._popen.terminate()

    def kill(self) -> None:
        """End its whole session at once. May be repeated."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        if self._reader is not None:
            self._reader.join(timeout=1)  # its last lines

    @staticmethod
    def _read(popen: Popen, relay: Callable[[str, bytes], None]) -> None:
        name = threading.current_thread().name
        with popen.stdout:
            for line in popen.stdout:
                relay(name, line)
