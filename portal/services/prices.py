"""Prices, read once for everybody: a short cache per process with one reader per venue and symbol. Network
only; never inside a transaction."""

import threading
import time
from dataclasses import dataclass, field

from portal.db import utcnow
from portal.exchanges import sound_prices
from portal.exchanges.base import Exchange
from portal.exchanges.paper import prices as paper_prices
from portal.services import marks
from portal.trading.price_sanity import Anchor, Judged

#: A price older than this is read again before an order is sized with it.
FRESH_SECONDS = 1.0


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    judged: Judged | None = None
    read_at: float = 0.0
    #: The last price that was accepted here.
    anchor: Anchor | None = None


_slots: dict[tuple[str, str], _Slot] = {}
_slots_lock = threading.Lock()


def quote(exchange_name: str, symbol: str, exchange: Exchange, *, known: Anchor | None = None) -> Judged:
    """The best prices of `symbol`, at most `FRESH_SECONDS` old, and whether they may be acted on: judged by
    the last price accepted here or for an open position, or by `known`, whichever is newest; a market of
    which nothing is known is looked at twice.

    A thousand executions of one signal share one request. Raises ExchangeError when the read fails."""
    with _slots_lock:
        slot = _slots.setdefault((exchange_name, symbol), _Slot())
    with slot.lock:
        if slot.judged is None or time.monotonic() - slot.read_at > FRESH_SECONDS:
            anchors = [slot.anchor, known, marks.last(exchange_name, symbol)]
            newest = max((each for each in anchors if each), key=lambda each: each.at, default=None)
            by_symbol = {symbol: newest} if newest else {}
            slot.judged = sound_prices.read(exchange, [symbol], by_symbol, proved=False)[symbol]
            slot.read_at = time.monotonic()
            if slot.judged.mark is not None:
                slot.anchor = Anchor(slot.judged.mark, utcnow())
        return slot.judged


def forget() -> None:
    """Empty the cache (after prices were set by hand, in tests and the demo)."""
    with _slots_lock:
        _slots.clear()
    paper_prices.forget()
