"""All resting orders of an account in a few requests, on venues that list all markets at once. Asks only."""

from portal.exchanges.ccxt_reports import to_order_report
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.wide_lists import requests_for
from portal.trading.orders import Listing, OrderReport
from portal.trading.types import MarketType, OrderState

_RESTING = (OrderState.OPEN, OrderState.PARTIALLY_FILLED)


def all_open_orders(session: CcxtSession, kind: MarketType) -> Listing:
    """The orders that rest on markets of `kind`. Raises ExchangeError without an answer to every request,
    and UNSUPPORTED where there is none to make. May be repeated."""
    requests = requests_for(session.venue, kind)
    if not requests:
        raise ExchangeError(
            ErrorCode.UNSUPPORTED,
            f"{session.venue.title} does not list the orders of all markets at once.",
            outcome=Outcome.UNKNOWN,
        )
    found: dict[str, OrderReport] = {}
    whole = True
    for params in requests:
        orders = session.read("fetch_open_orders", None, None, None, dict(params))
        whole = whole and session.wire.rows() < session.venue.page_size
        for order in orders:
            symbol = str(order.get("symbol") or "")
            if order.get("id") and order.get("side") and (":" in symbol) is (kind is MarketType.SWAP):
                report = to_order_report(order, symbol=symbol)
                if report.state in _RESTING:
                    found[report.exchange_order_id] = report
    return Listing(tuple(found.values()), whole)
