"""Advisory file locks (flock). The kernel drops them when their process dies, however it dies, so there is no
such thing as a stale lock. Knows nothing of what is locked."""

import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """One lock on one file. Two objects on the same file exclude each other, also within one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def try_exclusive(self) -> bool:
        """Take the lock alone; False when anybody else has it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with other sharers; False when somebody has it alone."""
        return self._try(fcntl.LOCK_SH)

    def wait_shared(self, seconds: float) -> bool:
        return self._wait(fcntl.LOCK_SH, seconds)

    def wait_exclusive(self, seconds: float) -> bool:
        return self._wait(fcntl.LOCK_EX, seconds)

    def release(self) -> None:
        """Give the lock back. May be repeated."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def write(self, text: str) -> None:
        """Leave a note for those who find the file locked. Call it while holding the lock alone."""
        if self._fd is None:
            raise RuntimeError(f"{self.path} is not locked")
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def read(self) -> str:
        return self.path.read_text(encoding="utf-8").strip() if self.path.exists() else ""

    def _try(self, kind: int) -> bool:
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        return True

    def _wait(self, kind: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._try(kind):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True
