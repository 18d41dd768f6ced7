"""Orders that wait for a price. A price change only looks at the orders it reaches, however many wait."""

import heapq
import itertools
from decimal import Decimal

Entry = tuple[Decimal, int, object]


class PriceHeap:
    """Things to wake when the price falls to (`upward=False`) or rises to (`upward=True`) their level."""

    def __init__(self, upward: bool) -> None:
        self._sign = 1 if upward else -1
        self._entries: list[Entry] = []
        self._sequence = itertools.count()

    def add(self, level: Decimal, thing: object) -> None:
        heapq.heappush(self._entries, (level * self._sign, next(self._sequence), thing))

    def reached(self, price: Decimal) -> list[object]:
        """Removes and returns what the price has reached, nearest first, in order of arrival."""
        signed = price * self._sign
        woken: list[object] = []
        while self._entries and self._entries[0][0] <= signed:
            woken.append(heapq.heappop(self._entries)[2])
        return woken

    def __len__(self) -> int:
        return len(self._entries)


class Waiting:
    """What waits in one market: limits for the book, stops and liquidations for the last price."""

    def __init__(self) -> None:
        self.limit_buys = PriceHeap(upward=False)
        self.limit_sells = PriceHeap(upward=True)
        self.triggers_up = PriceHeap(upward=True)
        self.triggers_down = PriceHeap(upward=False)
