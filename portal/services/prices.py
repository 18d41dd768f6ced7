"""Prices, read once for everybody: a short cache per process with one reader per venue and symbol. Network
only; never inside a transaction."""

import math
import threading
import time
from dataclasses import dataclass, field

from portal.db import utcnow
from portal.exchanges import sound_prices
from portal.exchanges.base import Exchange
from portal.exchanges.errors import HeldBackError
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
    #: Nobody may read it now, and nobody asks before then.
    held_back: HeldBackError | None = None
    held_until: float = 0.0


_slots: dict[tuple[str, str], _Slot] = {}
_slots_lock = threading.Lock()


def quote(exchange_name: str, symbol: str, exchange: Exchange, *, known: Anchor | None = None) -> Judged:
    """The best prices of `symbol`, at most `FRESH_SECONDS` old, and whether they may be acted on: judged by
    the last price accepted here or for an open position, or by `known`, whichever is newest; a market of
    which nothing is known is looked at twice.

    A thousand executions of one signal share one request, and one answer that there is no budget for it: if
    each of them asked by itself, the first halves of their reads would use up what the second halves wait
    for. Raises ExchangeError when the read fails."""
    with _slots_lock:
        slot = _slots.setdefault((exchange_name, symbol), _Slot())
    with slot.lock:
        if slot.judged is not None and time.monotonic() - slot.read_at <= FRESH_SECONDS:
            return slot.judged
        left = slot.held_until - time.monotonic()
        if slot.held_back is not None and left > 0:
            held = slot.held_back
            raise HeldBackError(held.code, held.message, retry_after=math.ceil(left), for_all=True)
        anchors = [slot.anchor, known, marks.last(exchange_name, symbol)]
        newest = max((each for each in anchors if each), key=lambda each: each.at, default=None)
        slot.judged = _read(slot, exchange, symbol, newest)
        slot.read_at = time.monotonic()
        if slot.judged.mark is not None:
            slot.anchor = Anchor(slot.judged.mark, utcnow())
        return slot.judged


def _read(slot: _Slot, exchange: Exchange, symbol: str, anchor: Anchor | None) -> Judged:
    slot.held_back = None
    try:
        return sound_prices.read(exchange, [symbol], {symbol: anchor} if anchor else {}, proved=False)[symbol]
    except HeldBackError as error:
        if error.for_all:
            slot.held_back, slot.held_until = error, time.monotonic() + (error.retry_after or 0)
        raise


def forget() -> None:
    """Empty the cache (after prices were set by hand, in tests and the demo)."""
    with _slots_lock:
        _slots.clear()
    paper_prices.forget()
