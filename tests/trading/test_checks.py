"""Each check at its edge, and the order in which they speak."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.trading.checks import CHECKS, CheckInput, run_checks
from portal.trading.denials import DenialCode
from portal.trading.instrument import Instrument
from portal.trading.types import OrderType, PositionMode, Side, TimeInForce, TradingStateValue
from tests.trading.factories import NOW, D, linear, rules, snapshot, spot, terms, ticker


def verdict(
    *, signal: dict[str, Any] | None = None, preset: dict[str, Any] | None = None, **snap: Any
) -> DenialCode | None:
    denial = run_checks(CheckInput(terms(**(signal or {})), rules(**(preset or {})), snapshot(**snap)))
    return denial.code if denial else None


def test_an_ordinary_signal_passes() -> None:
    assert verdict() is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (TradingStateValue.ACTIVE, None),
        (TradingStateValue.REDUCING, DenialCode.TRADING_REDUCING),
        (TradingStateValue.HALTED, DenialCode.TRADING_HALTED),
    ],
)
def test_the_trading_state_decides_first(state: TradingStateValue, expected: DenialCode | None) -> None:
    assert verdict(trading_state=state) is expected


@pytest.mark.parametrize(("seconds", "expected"), [(60, None), (61, DenialCode.SIGNAL_TOO_OLD), (-5, None)])
def test_a_signal_trades_until_it_is_older_than_allowed(seconds: int, expected: DenialCode | None) -> None:
    assert verdict(signal={"published_at": NOW - timedelta(seconds=seconds)}) is expected


@pytest.mark.parametrize(("seconds", "expected"), [(1, None), (0, DenialCode.SIGNAL_EXPIRED)])
def test_a_signal_expires_at_its_moment(seconds: int, expected: DenialCode | None) -> None:
    assert verdict(signal={"expires_at": NOW + timedelta(seconds=seconds)}) is expected


def test_a_signal_that_was_never_published_is_denied() -> None:
    assert verdict(signal={"published_at": None}) is DenialCode.SIGNAL_NOT_PUBLISHED


@pytest.mark.parametrize(
    ("preset", "instrument", "expected"),
    [
        ({"allowed_symbols": ["BTC/USDT"]}, spot(), None),
        ({"allowed_symbols": ["BTC/USDT"]}, linear(), None),
        ({"allowed_symbols": ["BTC/USDT:USDT"]}, spot(), DenialCode.SYMBOL_NOT_ALLOWED),
        ({"allowed_symbols": ["ETH/USDT"]}, spot(), DenialCode.SYMBOL_NOT_ALLOWED),
        ({"blocked_symbols": ["BTC/USDT"]}, linear(), DenialCode.SYMBOL_BLOCKED),
        ({"blocked_symbols": ["BTC/USDT:USDT"]}, spot(), None),
    ],
)
def test_symbol_lists_are_kept(
    preset: dict[str, Any], instrument: Instrument, expected: DenialCode | None
) -> None:
    assert verdict(preset=preset, instrument=instrument) is expected


def test_a_suspended_market_is_denied() -> None:
    assert verdict(instrument=spot(active=False)) is DenialCode.MARKET_INACTIVE


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ({"order_type": OrderType.LIMIT}, DenialCode.LIMIT_PRICE_REQUIRED),
        ({"order_type": OrderType.STOP}, DenialCode.ORDER_TYPE_UNSUPPORTED),
        ({"order_type": OrderType.LIMIT, "open_price": D(100)}, None),
        (
            {"order_type": OrderType.LIMIT, "open_price": D(100), "time_in_force": TimeInForce.FOK},
            DenialCode.TIME_IN_FORCE_UNSUPPORTED,
        ),
        ({"time_in_force": TimeInForce.FOK}, None),  # not sent with a market order
    ],
)
def test_only_what_the_venue_can_do_is_asked_of_it(
    signal: dict[str, Any], expected: DenialCode | None
) -> None:
    able = {
        "order_types": frozenset({OrderType.MARKET, OrderType.LIMIT}),
        "time_in_force": frozenset({TimeInForce.STANDARD, TimeInForce.IOC}),
    }
    assert verdict(signal=signal, **able) is expected


def test_a_stop_order_takes_no_time_in_force_of_the_preset() -> None:
    signal = {"order_type": OrderType.STOP, "open_price": D(110)}
    preset = {"order_type": "limit", "time_in_force": "IOC"}
    assert verdict(signal=signal, preset=preset) is DenialCode.TIME_IN_FORCE_UNSUPPORTED


def test_outside_its_hours_a_preset_does_not_trade() -> None:
    assert verdict(preset={"trading_hours": {"days": ["wed"]}}) is None
    assert verdict(preset={"trading_hours": {"days": ["thu"]}}) is DenialCode.OUTSIDE_TRADING_HOURS


@pytest.mark.parametrize(
    ("preset", "snap", "expected"),
    [
        ({"max_open_positions": 2}, {"open_positions": 1}, None),
        ({"max_open_positions": 2}, {"open_positions": 2}, DenialCode.MAX_OPEN_POSITIONS),
        (
            {"max_positions_per_symbol": 1},
            {"open_positions_on_symbol": 1},
            DenialCode.MAX_POSITIONS_PER_SYMBOL,
        ),
        ({"max_daily_loss_percent": "3"}, {"daily_loss_percent": D("2.99")}, None),
        ({"max_daily_loss_percent": "3"}, {"daily_loss_percent": D(3)}, DenialCode.MAX_DAILY_LOSS),
        ({}, {"open_positions": 10_000, "daily_loss_percent": D(99)}, None),
    ],
)
def test_limits_are_kept(preset: dict[str, Any], snap: dict[str, Any], expected: DenialCode | None) -> None:
    assert verdict(preset=preset, **snap) is expected


@pytest.mark.parametrize(
    ("instrument", "mode", "expected"),
    [
        (linear(), PositionMode.ONE_WAY, DenialCode.OPPOSITE_POSITION_OPEN),
        (linear(), PositionMode.HEDGE, None),
        (spot(), PositionMode.HEDGE, DenialCode.OPPOSITE_POSITION_OPEN),
    ],
)
def test_an_order_against_an_open_position_is_denied_where_it_would_shrink_it(
    instrument: Instrument, mode: PositionMode, expected: DenialCode | None
) -> None:
    assert verdict(instrument=instrument, position_mode=mode, opposite_open=True) is expected


@pytest.mark.parametrize("free_base", [None, D(0)])
def test_a_spot_sell_without_holdings_is_denied(free_base: object) -> None:
    signal = {"direction": Side.SELL}
    assert verdict(signal=signal, free_base=free_base) is DenialCode.NOTHING_TO_SELL
    assert verdict(signal=signal, free_base=D("0.1")) is None
    assert verdict(signal=signal, free_base=free_base, instrument=linear()) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, DenialCode.PRICE_MISSING),
        (ticker(bid=None, ask=None, last=None), DenialCode.PRICE_MISSING),
        (ticker(ask="0"), DenialCode.PRICE_MISSING),
        (ticker(observed_at=NOW - timedelta(seconds=30)), None),
        (ticker(observed_at=NOW - timedelta(seconds=31)), DenialCode.PRICE_STALE),
        (ticker(bid="100.2", ask="100.1"), DenialCode.PRICE_CROSSED),
        (ticker(bid=None, ask=None), None),
    ],
)
def test_only_a_recent_and_sane_price_is_traded_on(given: Any, expected: DenialCode | None) -> None:
    assert verdict(ticker=given) is expected


def test_a_spread_wider_than_the_slippage_limit_denies_market_orders_only() -> None:
    wide = ticker(bid="99.5", ask="100.51")
    assert verdict(ticker=ticker(bid="99.5", ask="100.5")) is None
    assert verdict(ticker=wide) is DenialCode.SPREAD_TOO_WIDE
    assert verdict(ticker=wide, signal={"order_type": OrderType.LIMIT, "open_price": D(99)}) is None


@pytest.mark.parametrize(
    ("direction", "open_price", "expected"),
    [
        (Side.BUY, "100", None),  # the ask is exactly 100 bps above
        (Side.BUY, "99.99", DenialCode.PRICE_SLIPPAGE_EXCEEDED),
        (Side.BUY, "200", None),
        (Side.SELL, "101.8", None),
        (Side.SELL, "102.1", DenialCode.PRICE_SLIPPAGE_EXCEEDED),
        (Side.SELL, "50", None),
    ],
)
def test_a_price_that_moved_against_the_owner_by_more_than_the_limit_is_denied(
    direction: Side, open_price: str, expected: DenialCode | None
) -> None:
    given = {"direction": direction, "open_price": D(open_price)}
    assert verdict(signal=given, ticker=ticker(bid="101", ask="101"), free_base=D(1)) is expected


def test_the_list_speaks_in_its_order() -> None:
    everything_wrong = CheckInput(
        terms(expires_at=NOW),
        rules(blocked_symbols=["BTC/USDT"]),
        snapshot(trading_state=TradingStateValue.HALTED, ticker=None),
    )
    told = [denial.code for check in CHECKS if (denial := check.judge(everything_wrong))]
    assert told == [
        DenialCode.TRADING_HALTED,
        DenialCode.SIGNAL_EXPIRED,
        DenialCode.SYMBOL_BLOCKED,
        DenialCode.PRICE_MISSING,
    ]
    first = run_checks(everything_wrong)
    assert first is not None
    assert first.code is told[0]
    calm = replace(everything_wrong.snap, trading_state=TradingStateValue.ACTIVE)
    second = run_checks(replace(everything_wrong, snap=calm))
    assert second is not None
    assert second.code is told[1]


def test_every_check_has_its_own_name() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
