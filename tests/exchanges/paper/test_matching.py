"""What the paper venue makes of orders and prices, one rule at a time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper.accepting import accept
from portal.exchanges.paper.account import PaperAccount, PaperOrder
from portal.exchanges.paper.matching import match
from portal.exchanges.paper.settings import PaperSettings
from portal.trading.orders import OrderRequest, Ticker
from portal.trading.types import (
    OrderState,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)
from tests.exchanges.paper.markets import INSTRUMENTS, SPOT, START, SWAP, D, request, ticker

EXACT = PaperSettings(slippage_bps=D(0))
LIMIT: dict[str, Any] = {"order_type": OrderType.LIMIT}
STOP: dict[str, Any] = {"order_type": OrderType.STOP}


def account(usdt: int = 10_000, btc: int = 0, **values: Any) -> PaperAccount:
    return PaperAccount(balances={"USDT": D(usdt), "BTC": D(btc)}, **values)


def place(
    on: PaperAccount,
    wanted: OrderRequest,
    price: Ticker | Decimal | int = 100,
    settings: PaperSettings = EXACT,
) -> PaperOrder:
    seen = price if isinstance(price, Ticker) else ticker(wanted.symbol, price)
    return accept(on, wanted, INSTRUMENTS[wanted.symbol], seen, settings, START)


def look(
    on: PaperAccount,
    price: Decimal | int | str,
    seconds: int = 0,
    symbol: str = SPOT.symbol,
    settings: PaperSettings = EXACT,
) -> None:
    now = START + timedelta(seconds=seconds)
    match(on, INSTRUMENTS, {symbol: ticker(symbol, price, now)}, settings, now)


def refusal(
    on: PaperAccount, wanted: OrderRequest, price: Ticker | int = 100, settings: PaperSettings = EXACT
) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        place(on, wanted, price, settings)
    assert caught.value.outcome is Outcome.NOT_PLACED
    assert (caught.value.venue_code or "").startswith("PAPER_")
    assert not on.fills
    return caught.value


def test_spot_buy_when_filled_pays_the_taker_fee_in_base() -> None:
    on = account()
    order = place(on, request(quantity=2))
    assert order.state is OrderState.FILLED
    assert on.balances == {"USDT": D(9_800), "BTC": D("1.998")}
    assert (on.fills[0].fee_currency, on.fills[0].fee) == ("BTC", D("0.002"))


def test_spot_sell_when_filled_pays_the_taker_fee_in_quote() -> None:
    on = account(btc=3)
    place(on, request(side=Side.SELL, quantity=2))
    assert on.balances == {"USDT": D("10199.8"), "BTC": D(1)}


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "101.06"), (Side.SELL, "98.95")])
def test_market_order_fills_at_the_best_price_and_the_slippage_on_the_tick(side: Side, price: str) -> None:
    on = account(btc=5)
    seen = ticker(SPOT.symbol, 100, spread="2")
    place(on, request(side=side), seen, PaperSettings(slippage_bps=D(5)))
    assert on.fills[0].price == D(price)


def test_limit_order_that_the_market_has_passed_fills_no_worse_than_its_limit() -> None:
    on = account()
    order = place(on, request(price=D("100.01"), **LIMIT), 100, PaperSettings(slippage_bps=D(100)))
    assert (order.state, on.fills[0].price, on.fills[0].is_maker) == (OrderState.FILLED, D("100.01"), False)


def test_resting_limit_order_holds_its_money_back_and_fills_at_its_own_price_as_a_maker() -> None:
    on = account()
    order = place(on, request(price=D(90), **LIMIT))
    assert (order.state, on.free("USDT")) == (OrderState.OPEN, D(9_910))
    look(on, "90.01")
    assert order.state is OrderState.OPEN
    look(on, 80)
    assert (order.state, on.fills[0].price, on.fills[0].is_maker) == (OrderState.FILLED, D(90), True)
    assert on.balances == {"USDT": D(9_910), "BTC": D("0.9995")}
    assert on.free("USDT") == D(9_910)


@pytest.mark.parametrize(
    ("side", "trigger", "before", "after"), [(Side.BUY, 110, 109, 111), (Side.SELL, 90, 91, 89)]
)
def test_stop_order_waits_for_its_trigger_and_fills_at_the_market(
    side: Side, trigger: int, before: int, after: int
) -> None:
    on = account(btc=1)
    order = place(on, request(side=side, trigger_price=D(trigger), **STOP))
    look(on, before)
    assert (order.state, on.fills) == (OrderState.OPEN, [])
    look(on, after)
    assert (order.state, on.fills[0].price, on.fills[0].is_maker) == (OrderState.FILLED, D(after), False)


def test_stop_order_with_a_price_rests_at_its_limit_when_the_market_gapped_past_it() -> None:
    on = account(btc=1)
    order = place(on, request(side=Side.SELL, trigger_price=D(90), price=D(89), **STOP))
    look(on, 80)
    assert (order.state, order.triggered_at is not None, on.fills) == (OrderState.OPEN, True, [])
    look(on, 89, seconds=5)
    assert (order.state, on.fills[0].price) == (OrderState.FILLED, D(89))


def test_stop_order_that_the_price_has_passed_is_refused() -> None:
    wanted = request(side=Side.SELL, trigger_price=D(101), **STOP)
    assert refusal(account(btc=1), wanted).venue_code == "PAPER_WOULD_TRIGGER"


def test_stop_order_that_cannot_be_paid_when_it_fires_ends_without_a_fill() -> None:
    on = account(usdt=111)
    order = place(on, request(trigger_price=D(110), **STOP))
    look(on, 120)
    assert (order.state, on.fills, on.free("USDT")) == (OrderState.CANCELED, [], D(111))


def test_partial_fills_of_a_limit_order_come_one_by_one_and_add_up() -> None:
    on, thirds = account(), replace(EXACT, fill_fraction=D("0.4"))
    order = place(on, request(price=D(100), quantity=1, **LIMIT), 100, thirds)
    assert (order.state, order.filled_quantity) == (OrderState.PARTIALLY_FILLED, D("0.4"))
    look(on, 100, settings=thirds)
    assert order.filled_quantity == D("0.4"), "the next part takes a while"
    look(on, 100, seconds=1, settings=thirds)
    look(on, 100, seconds=2, settings=thirds)
    assert order.state is OrderState.FILLED
    assert [fill.quantity for fill in on.fills] == [D("0.4"), D("0.4"), D("0.2")]
    assert on.free("USDT") == on.balances["USDT"] == D(9_900)


def test_market_order_fills_at_once_whatever_the_fraction() -> None:
    on = account()
    order = place(on, request(quantity=1), 100, replace(EXACT, fill_fraction=D("0.4")))
    assert order.state is OrderState.FILLED
    assert [fill.quantity for fill in on.fills] == [D("0.4"), D("0.4"), D("0.2")]


@pytest.mark.parametrize(
    ("force", "price", "fraction", "state", "filled"),
    [
        (TimeInForce.IOC, 100, "1", OrderState.FILLED, "1"),
        (TimeInForce.IOC, 100, "0.3", OrderState.EXPIRED, "0.3"),
        (TimeInForce.IOC, 99, "1", OrderState.EXPIRED, "0"),
        (TimeInForce.FOK, 100, "1", OrderState.FILLED, "1"),
        (TimeInForce.FOK, 100, "0.3", OrderState.EXPIRED, "0"),
        (TimeInForce.FOK, 99, "1", OrderState.EXPIRED, "0"),
    ],
)
def test_time_in_force_is_kept(
    force: TimeInForce, price: int, fraction: str, state: OrderState, filled: str
) -> None:
    on = account()
    wanted = request(price=D(price), time_in_force=force, **LIMIT)
    order = place(on, wanted, 100, replace(EXACT, fill_fraction=D(fraction)))
    assert (order.state, order.filled_quantity) == (state, D(filled))
    assert on.free("USDT") == on.balances["USDT"]


def test_swap_is_held_on_margin_and_realizes_its_profit() -> None:
    on = account()
    place(on, request(SWAP.symbol, quantity=100, leverage=D(5)))
    assert (on.balances["USDT"], on.free("USDT")) == (D("9999.95"), D("9979.95"))
    place(on, request(SWAP.symbol, Side.SELL, 60, reduce_only=True), 110)
    (position,) = on.open_positions()
    assert (position.quantity, position.cost, position.average_entry_price) == (D(40), D(40), D(100))
    assert on.balances["USDT"] == D("9999.95") + 6 - D("0.033")


def test_one_way_order_against_the_position_turns_it_around() -> None:
    on = account()
    place(on, request(SWAP.symbol, quantity=100))
    place(on, request(SWAP.symbol, Side.SELL, 150), 90)
    (position,) = on.open_positions()
    assert (position.side, position.quantity, position.cost) == (PositionSide.SHORT, D(-50), D(45))
    assert on.balances["USDT"] == D("9999.95") - 10 - D("0.0675")


def test_hedge_account_holds_both_sides_and_its_exits_only_reduce() -> None:
    on = account(position_mode=PositionMode.HEDGE)
    hedge: dict[str, Any] = {"position_mode": PositionMode.HEDGE}
    long, short = (
        {**hedge, "position_side": PositionSide.LONG},
        {**hedge, "position_side": PositionSide.SHORT},
    )
    place(on, request(SWAP.symbol, Side.BUY, 10, **long))
    place(on, request(SWAP.symbol, Side.SELL, 20, **short))
    assert {each.bucket: each.quantity for each in on.open_positions()} == {"long": D(10), "short": D(-20)}
    place(on, request(SWAP.symbol, Side.SELL, 30, **long))
    assert {each.bucket: each.quantity for each in on.open_positions()} == {"short": D(-20)}
    fills = len(on.fills)
    with pytest.raises(ExchangeError) as caught:
        place(on, request(SWAP.symbol, Side.SELL, 1, **long))
    assert caught.value.code is ErrorCode.WOULD_NOT_REDUCE
    assert len(on.fills) == fills


def test_reduce_only_order_closes_what_is_held_and_no_more() -> None:
    on = account()
    place(on, request(SWAP.symbol, quantity=10))
    order = place(on, request(SWAP.symbol, Side.SELL, 25, reduce_only=True))
    assert (order.filled_quantity, order.is_live) == (D(10), False)
    assert not list(on.open_positions())


def test_reduce_only_order_that_rests_goes_with_its_position() -> None:
    on = account()
    place(on, request(SWAP.symbol, quantity=10))
    resting = place(on, request(SWAP.symbol, Side.SELL, 10, price=D(120), reduce_only=True, **LIMIT))
    place(on, request(SWAP.symbol, Side.SELL, 10, reduce_only=True))
    look(on, 130, symbol=SWAP.symbol)
    assert (resting.state, resting.filled_quantity) == (OrderState.CANCELED, 0)


def test_position_mode_changes_only_while_nothing_is_open() -> None:
    on = account()
    place(on, request(SWAP.symbol, quantity=10))
    on.choose_mode(PositionMode.HEDGE)
    assert on.position_mode is PositionMode.ONE_WAY
    place(on, request(SWAP.symbol, Side.SELL, 10, reduce_only=True))
    on.choose_mode(PositionMode.HEDGE)
    assert on.position_mode is PositionMode.HEDGE


@pytest.mark.parametrize("price", [ticker(SPOT.symbol, 100, START - timedelta(minutes=3)),
                                   Ticker(SPOT.symbol, None, None, None, START)])  # fmt: skip
def test_order_without_a_fresh_price_is_refused(price: Ticker) -> None:
    assert refusal(account(), request(), price).code is ErrorCode.MARKET_CLOSED


def test_resting_order_is_left_alone_while_the_price_is_old() -> None:
    on = account()
    order = place(on, request(price=D(90), **LIMIT))
    match(on, INSTRUMENTS, {SPOT.symbol: ticker(SPOT.symbol, 80)}, EXACT, START + timedelta(minutes=3))
    match(on, INSTRUMENTS, {}, EXACT, START)
    match(on, {}, {SPOT.symbol: ticker(SPOT.symbol, 80)}, EXACT, START)
    assert (order.state, on.fills) == (OrderState.OPEN, [])


REFUSED: list[tuple[str, OrderRequest, ErrorCode]] = [
    ("money", request(quantity=101), ErrorCode.INSUFFICIENT_FUNDS),
    ("limit money", request(quantity=102, price=D(99), **LIMIT), ErrorCode.INSUFFICIENT_FUNDS),
    ("coins", request(side=Side.SELL), ErrorCode.INSUFFICIENT_FUNDS),
    ("margin", request(SWAP.symbol, quantity=10_001), ErrorCode.INSUFFICIENT_FUNDS),
    ("lot", request(quantity="0.0015"), ErrorCode.INVALID_ORDER),
    ("least quantity", request(SWAP.symbol, quantity="0"), ErrorCode.INVALID_ORDER),
    ("least value", request(quantity="0.049"), ErrorCode.INVALID_ORDER),
    ("tick", request(price=D("90.005"), **LIMIT), ErrorCode.INVALID_ORDER),
    ("no price", request(**LIMIT), ErrorCode.INVALID_ORDER),
    ("no trigger", request(**STOP), ErrorCode.INVALID_ORDER),
    ("spot leverage", request(leverage=D(2)), ErrorCode.UNSUPPORTED),
    ("spot reduce-only", request(reduce_only=True), ErrorCode.UNSUPPORTED),
    ("leverage", request(SWAP.symbol, leverage=D(126)), ErrorCode.INVALID_ORDER),
    ("nothing to reduce", request(SWAP.symbol, reduce_only=True), ErrorCode.WOULD_NOT_REDUCE),
    ("mode", request(SWAP.symbol, position_mode=PositionMode.HEDGE), ErrorCode.WRONG_POSITION_MODE),
]


@pytest.mark.parametrize(("_what", "wanted", "code"), REFUSED, ids=[row[0] for row in REFUSED])
def test_order_that_the_venue_would_refuse_is_refused(
    _what: str, wanted: OrderRequest, code: ErrorCode
) -> None:
    assert refusal(account(), wanted).code is code


def test_closed_and_inverse_markets_are_refused() -> None:
    for instrument, code in (
        (replace(SPOT, active=False), ErrorCode.MARKET_CLOSED),
        (replace(SWAP, linear=False), ErrorCode.UNSUPPORTED),
    ):
        on = account()
        with pytest.raises(ExchangeError) as caught:
            accept(on, request(instrument.symbol), instrument, ticker(SPOT.symbol, 100), EXACT, START)
        assert (caught.value.code, on.fills) == (code, [])
