"""Sends one order once and says what is proved about it. Nobody repeats what this does."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal.exchanges.base import LastCheck
from portal.exchanges.ccxt_http import WindowPassedError
from portal.exchanges.ccxt_leverage import Leverage
from portal.exchanges.ccxt_params import CcxtOrder, to_ccxt_order
from portal.exchanges.ccxt_reports import to_order_report
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.ccxt_window import request_window
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues import shape_client_order_id
from portal.trading.orders import OrderReport, OrderRequest

#: Failures before the order that another attempt may not meet.
_MAY_PASS = frozenset(
    {
        ErrorCode.TIMEOUT,
        ErrorCode.NETWORK,
        ErrorCode.UNAVAILABLE,
        ErrorCode.MAINTENANCE,
        ErrorCode.BAD_ANSWER,
        ErrorCode.RATE_LIMITED,
    }
)


def place_order(
    session: CcxtSession, leverage: Leverage, request: OrderRequest, last_check: LastCheck | None = None
) -> OrderReport:
    """Send `request` once. Raises ExchangeError NOT_PLACED with proof, anything else is UNKNOWN."""
    try:
        _refuse_when_late(request)
        instrument = session.instrument(request.symbol)
        order = to_ccxt_order(request, instrument, session.venue, session.client)
        leverage.prepare(request)
        session.prepare()
        _refuse_when_late(request)
    except ExchangeError as error:
        error.outcome = Outcome.NOT_PLACED  # nothing above this line sends an order
        error.again = error.again or error.code in _MAY_PASS
        raise
    answer = _send(session, request, order, last_check)
    return _acknowledged(session, request, answer)


def _refuse_when_late(request: OrderRequest) -> None:
    if datetime.now(UTC) >= request.not_after:
        raise ExchangeError(
            ErrorCode.WINDOW_PASSED,
            "The order's time window had passed before it could be sent. Nothing was placed.",
            outcome=Outcome.NOT_PLACED,
        )


def _send(session: CcxtSession, request: OrderRequest, order: CcxtOrder, last_check: LastCheck | None) -> Any:
    offset = session.markets.clock_offset_ms()
    session.wire.arm(request.not_after, session.venue.preparation, last_check)
    try:
        with request_window(
            session.client, session.venue, request.sent_at, request.not_after, offset
        ) as window:
            return session.client.create_order(
                order.symbol, order.type, order.side, order.quantity, order.price, order.params | window
            )
    except WindowPassedError as error:
        raise session.translate(error, placing=True) from error
    except Exception as error:
        raise session.translate(error, placing=True) from error
    finally:
        session.wire.not_after = session.wire.last_check = None


def _acknowledged(session: CcxtSession, request: OrderRequest, answer: Any) -> OrderReport:
    """The report, once the answer names an order and, where it echoes them, our id, symbol and side."""
    if not isinstance(answer, Mapping) or not answer.get("id"):
        raise _bad_answer(session, "the answer named no order")
    expected = {
        "clientOrderId": str(shape_client_order_id(request.client_order_id, session.venue.id_shape)),
        "symbol": request.symbol,
        "side": request.side.value,
    }
    for name, value in expected.items():
        echoed = answer.get(name)
        if echoed is not None and str(echoed) != value:
            raise _bad_answer(session, f"the answer was about another order ({name} differs)")
    try:
        return to_order_report(
            answer,
            symbol=request.symbol,
            side=request.side,
            quantity=request.quantity,
            client_order_id=request.client_order_id,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _bad_answer(session, "the answer could not be read") from error


def _bad_answer(session: CcxtSession, reason: str) -> ExchangeError:
    return ExchangeError(
        ErrorCode.BAD_ANSWER,
        f"{session.venue.title}: {reason}. Whether the order was placed is not known; the exchange is being "
        "asked.",
        outcome=Outcome.UNKNOWN,
    )
