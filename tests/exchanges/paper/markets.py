"""Two markets that stand still until a test moves them, and the requests that are made on them."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.trading.instrument import Instrument
from portal.trading.orders import OrderRequest, Ticker
from portal.trading.types import MarketType, OrderType, Side

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
SPOT = Instrument(
    "BTC/USDT", "BTC", "USDT", "USDT", MarketType.SPOT, D("0.01"), D("0.001"),
    min_quantity=D("0.001"), min_notional=D(5), taker_fee=D("0.001"), maker_fee=D("0.0005"),
)  # fmt: skip
SWAP = Instrument(
    "BTC/USDT:USDT", "BTC", "USDT", "USDT", MarketType.SWAP, D("0.1"), D("0.1"),
    contract_size=D("0.01"), min_quantity=D("0.1"), taker_fee=D("0.0005"), maker_fee=D("0.0002"),
)  # fmt: skip
INSTRUMENTS: Mapping[str, Instrument] = {SPOT.symbol: SPOT, SWAP.symbol: SWAP}

_count = itertools.count()


def ticker(symbol: str, price: Decimal | int | str, at: datetime = START, spread: str = "0") -> Ticker:
    """Bid and ask half a `spread` away from `price`."""
    half = D(spread) / 2
    return Ticker(symbol, D(price) - half, D(price) + half, D(price), at)


def request(
    symbol: str = SPOT.symbol, side: Side = Side.BUY, quantity: Any = "1", **more: Any
) -> OrderRequest:
    given = {"order_type": OrderType.MARKET, "sent_at": START, "not_after": START + timedelta(days=1)} | more
    return OrderRequest(
        client_order_id=f"id-{next(_count)}", symbol=symbol, side=side, quantity=D(quantity), **given
    )


class StillMarket:
    """Market data without a network: every market at 100, now."""

    market_types = frozenset(MarketType)

    def instruments(self) -> Mapping[str, Instrument]:
        return INSTRUMENTS

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return {each: ticker(each, 100, datetime.now(UTC)) for each in symbols if each in INSTRUMENTS}

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return StillMarket.tickers(self, symbols)

    def close(self) -> None:
        """Nothing to let go of."""
