"""Who may use how many threads. Orders and exits come first, and yet the sweeper and the guards of positions
never wait behind a thousand orders, nor the other way round. Pure: counts in, queue names out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.jobs.table import URGENT

#: One fetch in so many looks at the less urgent queues first.
TURN = 4


@dataclass(frozen=True, slots=True)
class Offer:
    """Queues to look at, in this order, and how many jobs may be taken from any one of them."""

    queues: tuple[str, ...] = ()
    count: int = 0
    #: Both lanes have room, so nothing is missed by waiting for a new job.
    everything: bool = False


class Lanes:
    """Two lanes over one set of threads: urgent (exits, orders) and house (all other queues).

    The house never holds more than half of the threads, so an order finds one at once; the urgent lane leaves
    one thread (two from sixteen on) to the house. A worker with one thread, or with queues of one lane only,
    reserves nothing.
    """

    def __init__(self, concurrency: int, queues: Sequence[str]) -> None:
        self._urgent = tuple(queue for queue in queues if queue in URGENT)
        self._house = tuple(queue for queue in queues if queue not in URGENT)
        shared = bool(self._urgent and self._house) and concurrency > 1
        self._concurrency = concurrency
        self._urgent_limit = concurrency - (2 if concurrency >= 16 else 1) if shared else concurrency
        self._house_limit = concurrency // 2 if shared else concurrency
        self._fetches = 0

    def offer(self, urgent_running: int, house_running: int) -> Offer:
        """What to fetch while so many jobs of each lane are running. An empty offer: no thread is free."""
        free = self._concurrency - urgent_running - house_running
        urgent_room = min(free, self._urgent_limit - urgent_running) if self._urgent else 0
        house_room = min(free, self._house_limit - house_running) if self._house else 0
        rooms = [room for room in (urgent_room, house_room) if room > 0]
        if not rooms:
            return Offer()
        self._fetches += 1
        urgent = self._urgent if urgent_room > 0 else ()
        house = self._house if house_room > 0 else ()
        everything = len(urgent + house) == len(self._urgent + self._house)
        if self._fetches % TURN == 0:
            # The last first, so that a flood in one queue cannot silence those behind it for ever.
            house = house[::-1]
            if self._concurrency == 1:
                return Offer(house + urgent, 1, everything)
        return Offer(urgent + house, min(rooms), everything)


def is_urgent(queue: str) -> bool:
    return queue in URGENT
