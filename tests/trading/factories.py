"""Small builders for the pure tests, and hypothesis strategies for money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from portal.trading.instrument import Instrument
from portal.trading.orders import Fee, FillReport, Ticker
from portal.trading.preset import PresetRules, parse_preset
from portal.trading.signal import SignalTerms
from portal.trading.snapshot import Snapshot
from portal.trading.types import MarketType, Side

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
D = Decimal

bounded = settings(max_examples=150, deadline=None, database=None)


def spot(**changes: Any) -> Instrument:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "market_type": MarketType.SPOT,
        "tick_size": D("0.01"),
        "lot_size": D("0.00001"),
    }
    return Instrument(**(values | changes))


def linear(**changes: Any) -> Instrument:
    """A perpetual of 0.001 BTC per contract, settled in USDT."""
    values = {"symbol": "BTC/USDT:USDT", "market_type": MarketType.SWAP, "contract_size": D("0.001")}
    return spot(**(values | {"lot_size": D(1)} | changes))


def inverse(**changes: Any) -> Instrument:
    """A perpetual of 100 USD per contract, settled in BTC."""
    values = {"symbol": "BTC/USD:BTC", "quote": "USD", "settle": "BTC", "market_type": MarketType.SWAP}
    return spot(**(values | {"linear": False, "contract_size": D(100), "lot_size": D(1)} | changes))


def rules(**given: Any) -> PresetRules:
    return parse_preset({"name": "test", **given})


def terms(direction: Side = Side.BUY, **changes: Any) -> SignalTerms:
    values = {"currency_pair": "BTC/USDT", "direction": direction, "published_at": NOW}
    return SignalTerms(**(values | changes))


def ticker(bid: str | None = "100", ask: str | None = "100.1", **changes: Any) -> Ticker:
    values = {"symbol": "BTC/USDT", "last": D(100), "observed_at": NOW}
    sides = {"bid": None if bid is None else D(bid), "ask": None if ask is None else D(ask)}
    return Ticker(**(values | sides | changes))


def snapshot(**changes: Any) -> Snapshot:
    values = {
        "now": NOW,
        "instrument": spot(),
        "ticker": ticker(),
        "free_quote": D(10_000),
        "equity": D(10_000),
    }
    return Snapshot(**(values | changes))


def fill(number: int, side: Side, quantity: str | Decimal, price: str | Decimal, *fees: Fee) -> FillReport:
    return FillReport(
        exchange_fill_id=f"f{number}",
        exchange_order_id="o1",
        symbol="BTC/USDT",
        side=side,
        quantity=D(quantity),
        price=D(price),
        filled_at=NOW + timedelta(seconds=number),
        fees=fees,
    )


def money(low: str, high: str, places: int = 8) -> st.SearchStrategy[Decimal]:
    """Decimals on a grid of `places` digits, drawn as whole numbers: hypothesis shrinks those well."""
    unit = 10**places
    return st.integers(int(D(low) * unit), int(D(high) * unit)).map(lambda whole: D(whole).scaleb(-places))


def frac(value: Decimal) -> Fraction:
    return Fraction(value)
