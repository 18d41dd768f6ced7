"""Requests to a paper account with ids that a test chooses."""

from datetime import UTC, datetime, timedelta

from portal.trading.orders import OrderRef, OrderRequest
from portal.trading.types import OrderType, Side
from tests.exchanges.paper.markets import SPOT, D


def now() -> datetime:
    return datetime.now(UTC)


def order_request(client_order_id: str, quantity: str = "1") -> OrderRequest:
    """A market buy, valid for a while."""
    return OrderRequest(
        client_order_id, SPOT.symbol, Side.BUY, OrderType.MARKET, D(quantity), now(),
        now() + timedelta(seconds=30),
    )  # fmt: skip


def ref(client_order_id: str) -> OrderRef:
    return OrderRef(client_order_id, SPOT.symbol, now())
