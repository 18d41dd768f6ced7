"""Prices of all watched markets, every venue by itself: the slow and the broken keep nobody waiting. Network
only; decides nothing about positions."""

import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flask import Flask, current_app

from portal.exchanges import sound_prices
from portal.exchanges.errors import ExchangeError
from portal.services import venues
from portal.services.traffic_lanes import Purpose
from portal.trading.price_sanity import Anchor, Doubt, Judged

logger = logging.getLogger(__name__)

#: A venue that has not answered by then is given up for this check; its positions are told of as unread.
VENUE_SECONDS = 25.0

Anchors = Mapping[str, Anchor | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one venue said. `failed` is the reason when it said nothing."""

    exchange_name: str
    verdicts: Mapping[str, Judged] = field(default_factory=dict)
    failed: str = ""


#: Venues that are being read, or that never answered an earlier check: they are not asked once more.
_busy: dict[str, threading.Thread] = {}
_busy_lock = threading.Lock()


def read_all(markets: Mapping[str, Anchors]) -> Iterator[Reading]:
    """One reading per venue, in the order in which they answer, the last after `VENUE_SECONDS`. Must not be
    called inside a transaction; may be repeated, also at the same time."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    answers: queue.Queue[Reading] = queue.Queue()
    waiting = set()
    for exchange_name, anchors in markets.items():
        if _start(app, exchange_name, anchors, answers):
            waiting.add(exchange_name)
        else:
            yield _silent(exchange_name, anchors, "it has not answered the check before yet")
    deadline = time.monotonic() + VENUE_SECONDS
    while waiting:
        try:
            reading = answers.get(timeout=max(deadline - time.monotonic(), 0.0))
        except queue.Empty:
            break
        waiting.discard(reading.exchange_name)
        yield reading
    for exchange_name in sorted(waiting):
        yield _silent(exchange_name, markets[exchange_name], f"no answer within {VENUE_SECONDS:g} s")


def _start(app: Flask, exchange_name: str, anchors: Anchors, answers: "queue.Queue[Reading]") -> bool:
    thread = threading.Thread(
        target=_work, args=(app, exchange_name, anchors, answers), name=f"prices-{exchange_name}", daemon=True
    )
    with _busy_lock:
        earlier = _busy.get(exchange_name)
        if earlier is not None and earlier.is_alive():
            return False
        _busy[exchange_name] = thread
        thread.start()
    return True


def _work(app: Flask, exchange_name: str, anchors: Anchors, answers: "queue.Queue[Reading]") -> None:
    with app.app_context():
        answers.put(_read(exchange_name, anchors))


def _read(exchange_name: str, anchors: Anchors) -> Reading:
    try:
        with venues.public_exchange(exchange_name, Purpose.VITAL) as exchange:
            known = {symbol: anchor for symbol, anchor in anchors.items() if anchor is not None}
            verdicts = sound_prices.read(exchange, anchors, known)
            listed = exchange.instruments()
    except ExchangeError as error:
        return _silent(exchange_name, anchors, str(error))
    except Exception as error:  # whatever a library makes of a strange answer concerns this venue alone
        logger.exception("%s: its prices could not be understood", exchange_name)
        return _silent(exchange_name, anchors, f"its answer was not understood ({type(error).__name__})")
    gone = {
        symbol: Judged(None, Doubt.NOT_LISTED)
        for symbol, verdict in verdicts.items()
        if verdict.doubt is Doubt.MISSING and symbol not in listed
    }
    return Reading(exchange_name, verdicts | gone)


def _silent(exchange_name: str, anchors: Anchors, why: str) -> Reading:
    return Reading(exchange_name, {symbol: Judged(None, Doubt.UNREAD) for symbol in anchors}, why)
