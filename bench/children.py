"""Portico's own processes as real child processes: started, killed, stopped, measured."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from portal.embedded.children import spawn

ROOT = Path(__file__).parent.parent
Found = TypeVar("Found")


class Child:
    """One `python -m …`. Ends with us, whatever happens to us."""

    def __init__(self, *arguments: str, env: Mapping[str, str], log: Path, module: str = "portal") -> None:
        self.arguments = arguments
        self._log = log
        argv = (sys.executable, "-m", module, *arguments)
        with log.open("ab") as output:
            self._popen = spawn(argv, env, ROOT, signal.SIGTERM, stdout=output)
        self.pid: int = self._popen.pid

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._popen.kill()
        self._popen.wait()

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, as a deploy does; kill -9 when that takes too long. Returns the exit code."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGCONT)
            self._popen.terminate()
        try:
            return int(self._popen.wait(seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


def until(what: str, found: Callable[[], Found], seconds: float, interval: float = 0.05) -> Found:
    """Poll until `found()` is truthy and return what it said. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(interval)
    return answer
