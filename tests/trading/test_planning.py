"""From signal, preset and snapshot to one order, and from a position to its close."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.denials import Denial, DenialCode
from portal.trading.exits import Target
from portal.trading.planning import ClosePlan, EntryPlan, plan_close, plan_entry, wanted_market_type
from portal.trading.types import MarketType, OrderType, PositionMode, PositionSide, Side, TimeInForce
from tests.trading.factories import D, bounded, linear, money, rules, snapshot, spot, terms

ONE_WAY = PositionMode.ONE_WAY


def plan(
    signal: dict[str, Any] | None = None, preset: dict[str, Any] | None = None, **snap: Any
) -> EntryPlan | Denial:
    return plan_entry(terms(**(signal or {})), rules(**(preset or {})), snapshot(**snap))


def planned(*args: Any, **snap: Any) -> EntryPlan:
    result = plan(*args, **snap)
    assert isinstance(result, EntryPlan), result
    return result


def denied(*args: Any, **snap: Any) -> DenialCode:
    result = plan(*args, **snap)
    assert isinstance(result, Denial), result
    return result.code


def test_a_market_buy_is_planned_at_the_ask() -> None:
    found = planned({"sl": D(95), "tps": (D(110),)})
    assert (found.order_type, found.price, found.trigger_price) == (OrderType.MARKET, None, None)
    assert (found.reference_price, found.quantity) == (D("100.1"), D("0.99900"))
    assert found.notional == D("99.9999")
    assert (found.sl_price, found.targets) == (95, (Target(D(110), D(1)),))
    assert found.leg.opens


def test_a_limit_order_is_rounded_and_sized_at_its_price() -> None:
    signal = {"order_type": OrderType.LIMIT, "open_price": D("50.009"), "time_in_force": TimeInForce.IOC}
    found = planned(signal)
    assert (found.price, found.reference_price, found.quantity) == (D(50), D(50), 2)
    assert found.time_in_force is TimeInForce.IOC


def test_the_preset_decides_what_the_signal_leaves_open() -> None:
    found = planned({"open_price": D(90)}, {"order_type": "limit", "time_in_force": "FOK"})
    assert (found.order_type, found.time_in_force) == (OrderType.LIMIT, TimeInForce.FOK)
    assert (
        planned({"open_price": D(100), "order_type": OrderType.MARKET}, {"order_type": "limit"}).price is None
    )
    assert wanted_market_type(terms(), rules(market_type="swap")) is MarketType.SWAP
    assert (
        wanted_market_type(terms(market_type=MarketType.SPOT), rules(market_type="swap")) is MarketType.SPOT
    )


@pytest.mark.parametrize(
    ("direction", "open_price", "trigger"), [(Side.BUY, "110.019", "110.01"), (Side.SELL, "90.011", "90.02")]
)
def test_a_stop_order_waits_on_the_far_side_of_the_market(
    direction: Side, open_price: str, trigger: str
) -> None:
    signal = {"direction": direction, "order_type": OrderType.STOP, "open_price": D(open_price)}
    found = planned(signal, {"market_type": "swap"}, instrument=linear())
    assert (found.trigger_price, found.price, found.reference_price) == (D(trigger), None, D(trigger))


@pytest.mark.parametrize(("direction", "open_price"), [(Side.BUY, "100.1"), (Side.SELL, "100")])
def test_a_stop_order_that_would_trigger_at_once_is_denied(direction: Side, open_price: str) -> None:
    signal = {"direction": direction, "order_type": OrderType.STOP, "open_price": D(open_price)}
    assert denied(signal, instrument=linear()) is DenialCode.TRIGGER_PRICE_WRONG_SIDE


def test_a_limit_beyond_the_market_has_its_stop_judged_from_the_market() -> None:
    signal = {"order_type": OrderType.LIMIT, "open_price": D(120), "sl": D(110)}
    assert denied(signal) is DenialCode.STOP_LOSS_WRONG_SIDE


@pytest.mark.parametrize(
    ("signal", "preset", "snap", "code"),
    [
        ({"sl": D(101)}, {}, {}, DenialCode.STOP_LOSS_WRONG_SIDE),
        ({"tps": (D(100),)}, {}, {}, DenialCode.TAKE_PROFIT_WRONG_SIDE),
        ({}, {"sizing_mode": "risk_percent", "sizing_value": "1"}, {}, DenialCode.STOP_LOSS_REQUIRED),
        ({}, {"sizing_mode": "fixed", "sizing_value": "100"}, {}, DenialCode.BALANCE_INSUFFICIENT),
        ({}, {"sizing_value": "0.000001"}, {}, DenialCode.QUANTITY_BELOW_MINIMUM),
        ({}, {}, {"instrument": spot(min_notional=D(101))}, DenialCode.NOTIONAL_BELOW_MINIMUM),
        ({}, {"min_notional": "101"}, {}, DenialCode.NOTIONAL_BELOW_PRESET_MINIMUM),
        ({}, {}, {"free_quote": D(0)}, DenialCode.BALANCE_INSUFFICIENT),
        ({}, {}, {"ticker": None}, DenialCode.PRICE_MISSING),
        ({}, {}, {"multiplier": D(0)}, DenialCode.DECISION_REJECTED),
        ({"order_type": OrderType.LIMIT, "open_price": D(10)}, {}, {}, DenialCode.PRICE_OUT_OF_BAND),
        ({"direction": Side.SELL}, {}, {}, DenialCode.NOTHING_TO_SELL),
        ({}, {}, {"opposite_open": True}, DenialCode.OPPOSITE_POSITION_OPEN),
    ],
)
def test_what_cannot_be_ordered_is_denied(
    signal: dict[str, Any], preset: dict[str, Any], snap: dict[str, Any], code: DenialCode
) -> None:
    assert denied(signal, preset, **snap) is code


def test_a_spot_sell_sells_at_most_the_holdings_and_opens_nothing() -> None:
    found = planned({"direction": Side.SELL, "sl": D(110), "tps": (D(90),)}, free_base=D("0.1234567"))
    assert (found.quantity, found.leg.opens) == (D("0.12345"), False)
    assert (found.sl_price, found.targets) == (None, ())


def test_a_short_is_planned_on_a_swap() -> None:
    found = planned({"direction": Side.SELL, "sl": D(110)}, {"market_type": "swap"}, instrument=linear())
    assert (found.leg.position_side, found.leg.reduce_only) == (PositionSide.SHORT, False)
    assert (found.reference_price, found.quantity, found.notional) == (100, 1000, 100)


@bounded
@given(
    st.sampled_from(Side),
    money("1", "1000", places=2),
    money("0.1", "100", places=2),
    money("1", "50000", places=2),
    st.sampled_from(OrderType),
)
def test_every_plan_is_on_the_grid_and_can_be_paid(
    side: Side, open_price: Decimal, percent: Decimal, free: Decimal, order_type: OrderType
) -> None:
    instrument = linear(tick_size=D("0.5"), min_notional=D(5), max_quantity=D(100_000))
    signal = {"direction": side, "open_price": open_price, "order_type": order_type}
    found = plan(
        signal, {"sizing_value": percent, "market_type": "swap"}, instrument=instrument, free_quote=free
    )
    if isinstance(found, Denial):
        assert found.message
        return
    assert found.quantity % 1 == 0
    assert 0 < found.quantity <= 100_000
    assert found.notional >= 5
    assert found.notional * (1 + instrument.taker_fee) <= free
    for price in (found.price, found.trigger_price):
        assert price is None or price % D("0.5") == 0


def close(held: str, free: str | None = None, *, instrument: Any = None, **more: Any) -> ClosePlan | Denial:
    return plan_close(
        D(held), None if free is None else D(free), instrument or spot(), PositionSide.LONG, ONE_WAY, **more
    )


@pytest.mark.parametrize(
    ("held", "free", "quantity", "remainder"),
    [
        ("1", "5", "1", "0"),
        ("1", "0.9990001", "0.999", "0.001"),
        ("0.999001", "0.999001", "0.999", "0.000001"),
        ("1", None, "1", "0"),
    ],
)
def test_a_spot_close_sells_no_more_than_is_free(
    held: str, free: str | None, quantity: str, remainder: str
) -> None:
    found = close(held, free)
    assert isinstance(found, ClosePlan)
    assert (found.quantity, found.remainder) == (D(quantity), D(remainder))
    assert (found.leg.side, found.leg.reduce_only) == (Side.SELL, False)


def test_a_swap_close_is_reduce_only_and_ignores_spot_balances() -> None:
    found = plan_close(D(5), D(0), linear(min_notional=D(100)), PositionSide.SHORT, ONE_WAY, price=D(100))
    assert isinstance(found, ClosePlan)
    assert (found.quantity, found.leg.side, found.leg.reduce_only) == (5, Side.BUY, True)


def test_a_part_can_be_closed() -> None:
    found = close("1", "1", wanted=D("0.25"))
    assert isinstance(found, ClosePlan)
    assert (found.quantity, found.remainder) == (D("0.25"), D("0.75"))


def test_more_than_the_venue_takes_at_once_is_cut() -> None:
    found = close("10", "10", instrument=spot(max_quantity=D(4)))
    assert isinstance(found, ClosePlan)
    assert (found.quantity, found.remainder) == (4, 6)


@pytest.mark.parametrize(
    ("held", "free", "limits", "price", "code"),
    [
        ("0", "1", {}, None, DenialCode.NOTHING_TO_CLOSE),
        ("-1", "1", {}, None, DenialCode.NOTHING_TO_CLOSE),
        ("1", "0", {}, None, DenialCode.NOTHING_TO_CLOSE),
        ("0.000009", "1", {}, None, DenialCode.QUANTITY_BELOW_MINIMUM),
        ("0.01", "1", {"min_quantity": D("0.02")}, None, DenialCode.QUANTITY_BELOW_MINIMUM),
        ("0.01", "1", {"min_notional": D(5)}, D(100), DenialCode.NOTIONAL_BELOW_MINIMUM),
    ],
)
def test_dust_is_denied_with_its_numbers(
    held: str, free: str, limits: dict[str, Any], price: Decimal | None, code: DenialCode
) -> None:
    found = close(held, free, instrument=spot(**limits), price=price)
    assert isinstance(found, Denial)
    assert found.code is code
    assert found.context
