"""Reading guards back from the venue: the only proof that they rest. Network; asks, never sends."""

from portal.db import transaction
from portal.exchanges.base import Exchange
from portal.models import RESTING
from portal.services import recording, resolution
from portal.services.protection import rows


def read_back(position_id: int, symbol: str, exchange: Exchange) -> None:
    """Ask the venue about every guard of a position that rests or may rest, and record what it says.

    One list of open orders serves all that are in it; the others are asked for one by one. Owns its
    transactions; may be repeated. Raises ExchangeError when the venue gives no answer."""
    with transaction():
        known = [
            (order.id, order.exchange_order_id if order.state in RESTING else None)
            for order in rows.live(position_id)
            if not rows.is_being_placed(order)
        ]
        alone = [order.id for order in rows.unclear(position_id)]
    listed = {}
    if any(exchange_order_id is not None for _, exchange_order_id in known):
        listed = {report.exchange_order_id: report for report in exchange.open_orders(symbol)}
    for order_id, exchange_order_id in known:
        report = listed.get(exchange_order_id or "")
        if report is not None:
            recording.record_report(order_id, report, report.fills)
        else:
            alone.append(order_id)
    for order_id in alone:
        resolution.ask_now(order_id, exchange)
