"""The one place that sends an order, and it sends it once. What came back is recorded; what did not come
back is unresolved."""

import logging
import time
from datetime import timedelta

from portal.db import in_transaction, utcnow
from portal.exchanges.base import Exchange, LastCheck
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.logs import scrub
from portal.services import fee_rates, gate, recording
from portal.services.intents import Intended
from portal.trading.orders import FillReport, OrderReport

logger = logging.getLogger(__name__)

#: What the last gate said is believed for so long; a switch works within a second.
_GATE_HOLDS = timedelta(milliseconds=250)


def place(intended: Intended, exchange: Exchange) -> None:
    """Send a committed intent and record the outcome (T3). Never call it twice for one intent, and never
    after a crash: `resolution.resolve` asks the venue instead. Any exception means that the outcome is
    unknown. An entry whose preparation took a while asks once more whether trading is halted."""
    if in_transaction():
        raise RuntimeError("an order must not be sent inside a transaction")
    started = time.monotonic()
    try:
        report = exchange.place_order(intended.request, _last_check(intended) if intended.is_entry else None)
    except ExchangeError as error:
        if error.outcome is Outcome.NOT_PLACED:
            if _rules_changed(intended, exchange, error):
                error.again = True
                error.message = f"{error.message} The market's rules have changed: it is sized again by them."
            recording.record_not_placed(intended.order_id, error, _ms(started))
        else:
            recording.record_unknown(intended.order_id, error.code.value, error.message, _ms(started))
        return
    except BaseException as error:
        # A bug, a time limit, a shutdown: after the intent was committed every exception means "unknown".
        logger.exception("order %s: the outcome is unknown", intended.order_id)
        message = scrub(f"{type(error).__name__}: {error}")
        recording.record_unknown(intended.order_id, "UNKNOWN", message, _ms(started))
        if not isinstance(error, Exception):
            raise
        return
    answered_at = utcnow()
    fills = fee_rates.priced(_fills(report, intended, exchange), exchange)
    recording.record_report(
        intended.order_id, report, fills, duration_ms=_ms(started), answered_at=answered_at
    )


def _rules_changed(intended: Intended, exchange: Exchange, error: ExchangeError) -> bool:
    """Whether an entry was refused because it was sized by rules that do not hold any more. The refusal made
    the table old; it is read again at most once a minute, so what is wrong all the same ends here."""
    if error.code is not ErrorCode.INVALID_ORDER or intended.instrument is None:
        return False
    try:
        now = exchange.instruments().get(intended.request.symbol)
    except ExchangeError:
        return False
    return now is not None and now != intended.instrument


def _last_check(intended: Intended) -> LastCheck:
    def check() -> None:
        if utcnow() - intended.request.sent_at > _GATE_HOLDS:
            gate.ask_again(intended.order_id)

    return check


def _fills(report: OrderReport, intended: Intended, exchange: Exchange) -> tuple[FillReport, ...]:
    """The fills of an order that filled at once: from the answer, or read. When reading fails, the
    follow-up reads."""
    if report.filled_quantity <= 0:
        return ()
    if (
        sum((fill.quantity for fill in report.fills), start=report.filled_quantity * 0)
        == report.filled_quantity
    ):
        return report.fills
    try:
        found = exchange.fills(report.symbol, intended.request.sent_at, report.exchange_order_id)
    except ExchangeError as error:
        logger.info("order %s: its fills could not be read yet (%s)", intended.order_id, error.code)
        return report.fills
    return tuple(found)


def _ms(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
