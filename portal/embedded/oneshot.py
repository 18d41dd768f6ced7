"""Runs one command to its end, tied to us and stopped when we stop. Decides nothing about its outcome."""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.children import spawn


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        """The last line it printed, which is where a command says what went wrong."""
        lines = [line.strip() for line in (self.stdout + "\n" + self.stderr).splitlines() if line.strip()]
        return lines[-1] if lines else "nothing"


def run_once(
    argv: tuple[str, ...], env: Mapping[str, str], cwd: Path, stopping: threading.Event | None = None
) -> Outcome | None:
    """Run `argv` and collect what it prints; None when it was ended because `stopping` was set."""
    process = spawn(argv, env, cwd, signal.SIGTERM, stderr=subprocess.PIPE)
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                stdout, stderr = process.communicate(timeout=0.2)
                break
            if stopping is not None and stopping.is_set():
                return None
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=5)
            process.kill()
            process.communicate()
    return Outcome(process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"))
