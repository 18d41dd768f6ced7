"""The test stand of one adapter: an account at a venue that can be told to fail, and the venue's own
ledger as judge.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.exchanges.base import Exchange
from portal.exchanges.sandbox.client import AcceptedOrder, SandboxAccount, SandboxControl
from portal.trading.orders import OrderRef, OrderReport, OrderRequest, client_order_id
from portal.trading.types import MarketType, OrderType, Side

#: How long an adapter waits for an answer here; faults that hold an answer back hold it longer.
TIMEOUT_SECONDS = 0.6
WINDOW = timedelta(seconds=5)


@dataclass
class Stand:
    """`exchange` is the adapter under test; `control` moves the venue behind it."""

    exchange: Exchange
    symbol: str
    market_type: MarketType
    control: SandboxControl
    account: SandboxAccount
    reopen: Callable[..., Exchange]
    quantity: Decimal = Decimal("0.01")

    def request(self, **changes: Any) -> OrderRequest:
        """A market buy of `quantity` with an id of its own, valid from now."""
        now = datetime.now(UTC)
        request = OrderRequest(
            client_order_id=client_order_id(b"k" * 32, secrets.token_hex(8)),
            symbol=self.symbol,
            side=Side.BUY,
            order_type=OrderType.MARKET,
            quantity=self.quantity,
            sent_at=now,
            not_after=now + WINDOW,
        )
        return replace(request, **changes)

    def price(self, factor: str) -> Decimal:
        """`factor` times the best bid, on the tick."""
        bid = self.exchange.tickers([self.symbol])[self.symbol].bid
        assert bid is not None
        return self.exchange.instruments()[self.symbol].round_price(bid * Decimal(factor), Side.BUY)

    def resting(self, **changes: Any) -> OrderRequest:
        """A limit buy too far below the market to fill."""
        return self.request(order_type=OrderType.LIMIT, price=self.price("0.9"), **changes)

    def place(self, request: OrderRequest) -> OrderReport:
        return self.exchange.place_order(request)

    def fault(self, kind: str, endpoint: str = "order", **rule: object) -> None:
        """From now on this account meets the fault, once unless `count` says otherwise."""
        self.control.add_fault(kind, endpoint, account=self.account.name, **{"count": 1, **rule})

    def ledger(self, request: OrderRequest | None = None) -> Sequence[AcceptedOrder]:
        """What the venue itself accepted from this account: all of it, or under the id of `request`."""
        wanted = request.client_order_id if request else None
        return self.control.orders(account=self.account.name, client_order_id=wanted)

    def requests(self, endpoint: str) -> int:
        """How often this account asked for `endpoint`."""
        return int(self.control.requests(account=self.account.name)["by_endpoint"].get(endpoint, 0))


def ref(request: OrderRequest, **changes: Any) -> OrderRef:
    """How to ask about `request`."""
    return replace(OrderRef(request.client_order_id, request.symbol, request.sent_at), **changes)
