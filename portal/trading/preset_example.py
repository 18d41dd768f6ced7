"""What a preset would make of one signal on a small account: the same planning as for a real one, with
made-up numbers. Pure; says nothing of allowed symbols, hours and open positions."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from portal.trading.denials import Denial
from portal.trading.instrument import Instrument
from portal.trading.orders import Ticker
from portal.trading.planning import EntryPlan, plan_entry
from portal.trading.preset import PresetRules
from portal.trading.signal import SignalTerms
from portal.trading.snapshot import Snapshot
from portal.trading.types import MarketType, OrderType, Side

#: What is free on the account, in USDT, and where the market is.
FREE, PRICE = Decimal(1000), Decimal(50_000)
#: What the signal names. A stop order waits above the market.
SL, TARGETS, TRIGGER = Decimal(49_000), (Decimal(51_000), Decimal(52_000)), Decimal(50_100)
#: Filters as large venues have them.
_SPOT = Instrument(
    symbol="BTC/USDT", base="BTC", quote="USDT", settle="USDT", market_type=MarketType.SPOT,
    tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"), min_notional=Decimal(5),
)  # fmt: skip
_SWAP = replace(
    _SPOT, symbol="BTC/USDT:USDT", market_type=MarketType.SWAP, tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"), taker_fee=Decimal("0.0006"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """What would be ordered, or why nothing would be."""

    rules: PresetRules
    plan: EntryPlan | Denial


def example(rules: PresetRules, now: datetime) -> Example:
    """A buy signal on BTC/USDT with a stop and two targets, traded by `rules`."""
    instrument = _SWAP if rules.market_type is MarketType.SWAP else _SPOT
    terms = SignalTerms(
        currency_pair="BTC/USDT",
        direction=Side.BUY,
        open_price=TRIGGER if rules.order_type is OrderType.STOP else PRICE,
        sl=SL,
        tps=TARGETS,
        published_at=now,
    )
    snapshot = Snapshot(
        now=now,
        instrument=instrument,
        ticker=Ticker(instrument.symbol, bid=PRICE, ask=PRICE, last=PRICE, observed_at=now),
        free_quote=FREE,
        equity=FREE,
    )
    anywhere = replace(rules, allowed_symbols=(), blocked_symbols=(), trading_hours=None)
    return Example(rules, plan_entry(terms, anywhere, snapshot))
