"""One job in the hands of one thread, and the ways to interrupt that thread.

Python can raise an exception in another thread, but only between two bytecodes, never inside a blocking
system call, and it must not hit the thread when its job is already over. Hence the lock around both.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from rq.timeouts import JobTimeoutException

from portal.jobs.engine.allowlist import Call


class AbandonedError(BaseException):
    """Raised in a thread that was given up, past every `except Exception` of the job."""


@dataclass(eq=False, slots=True)
class Running:
    job_id: str
    queue: str
    call: Call
    #: How often RQ may still repeat it.
    retries_left: int = 0
    execution_id: str = field(default_factory=lambda: uuid4().hex)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    #: The worker has shown it as its current job, so there is a record to remove.
    shown: bool = False
    #: The worker has reported its end; the thread must not report again.
    abandoned: bool = False
    interrupted: bool = False
    _deadline: float = float("inf")
    _thread: int = 0
    _armed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def execution(self) -> str:
        """RQ's name of this attempt."""
        return f"{self.job_id}:{self.execution_id}"

    def run(self, action: Callable[[Call], None]) -> BaseException | None:
        """Do it in this thread; the answer is what it raised."""
        error: BaseException | None = None
        try:
            self._arm()
            action(self.call)
        except BaseException as raised:  # noqa: BLE001 - a job must not end the thread, whatever it raises
            error = raised
        try:
            self._disarm()
        except JobTimeoutException as late:
            # It was on its way while the job ended. There is never a second one.
            error = error or late
            self._disarm()
        return error

    def seconds_over(self, now: float) -> float:
        """How long it is over its limit; negative while it is not."""
        return now - self._deadline

    def interrupt(self) -> None:
        """Raise JobTimeoutException in the job, once."""
        with self._lock:
            if self._armed and not self.interrupted:
                self.interrupted = True
                _raise_in(self._thread, JobTimeoutException)

    def abandon(self) -> bool:
        """Give the thread up. False when the job ended in the meantime, or was given up before."""
        with self._lock:
            if not self._armed or self.abandoned:
                return False
            self.abandoned = True
            _raise_in(self._thread, AbandonedError)
            return True

    def _arm(self) -> None:
        with self._lock:
            self._thread = threading.get_ident()
            self._deadline = time.monotonic() + self.call.spec.timeout
            self._armed = True

    def _disarm(self) -> None:
        with self._lock:
            self._armed = False
            self._deadline = float("inf")
            # Only when there is something to take back: each call makes the interpreter of every thread look
            # for news at every step, and before Python 3.12 a profiler that meets this waits for ever.
            if self.interrupted and not self.abandoned:
                _raise_in(self._thread, None)


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Set, or with None remove, the exception that the thread will find at its next bytecode."""
    target = ctypes.py_object(exception) if exception is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), target)
