"""What one process remembers by itself: the pauses that it was told of, and a small budget of its own for the
time when Redis does not answer. Nothing here is shared."""

import threading
import time
from collections import deque

from portal.services.traffic_lanes import Lane

#: Without Redis a process does not know how many others there are: it uses this part of a budget.
_SHARE = 4


class LocalTraffic:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: dict[str, deque[tuple[float, int]]] = {}
        self._paused_till: dict[str, float] = {}

    def pause(self, lane: Lane, seconds: float) -> None:
        """Remember that the venue asked for a pause."""
        with self._lock:
            till = time.monotonic() + seconds
            self._paused_till[lane.pause] = max(till, self._paused_till.get(lane.pause, 0.0))

    def paused(self, lane: Lane) -> float:
        """Seconds left of such a pause; 0 without one."""
        till = self._paused_till.get(lane.pause)
        return 0.0 if till is None else max(0.0, till - time.monotonic())

    def spend(self, lane: Lane, cost: int) -> float:
        """Count `cost` against this process's part of the budget: 0, or the seconds after which to ask
        again, and then nothing was counted."""
        limit, now = lane.allowed.limit // _SHARE, time.monotonic()
        if lane.allowed.limit == 0 or cost == 0:
            return 0.0
        with self._lock:
            spent = self._spent.setdefault(lane.window, deque())
            while spent and spent[0][0] <= now - lane.allowed.seconds:
                spent.popleft()
            if spent and sum(each for _, each in spent) + cost > limit:
                return spent[0][0] + lane.allowed.seconds - now
            spent.append((now, cost))
            return 0.0
