"""One line in the log per outage of Redis, and a pause that grows with it. Does not know what is tried."""

import logging
import threading
import time

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 3.0


class Outage:
    """Shared by the threads of one process. `failed` and `worked` may be called as often as one likes."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._lock = threading.Lock()
        self._since: float | None = None
        self._pause = FIRST_PAUSE

    def failed(self, error: Exception) -> float:
        """Note a failure; the answer is how many seconds to wait before the next try."""
        with self._lock:
            pause = self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            first = self._since is None
            if first:
                self._since = time.monotonic()
        if first:
            logger.warning(
                "%s cannot use Redis (%s: %s); trying again", self._who, type(error).__name__, error
            )
        return pause

    def worked(self) -> None:
        if self._since is None:
            return
        with self._lock:
            since, self._since, self._pause = self._since, None, FIRST_PAUSE
        if since is not None:
            logger.info("%s uses Redis again after %.1f s", self._who, time.monotonic() - since)
