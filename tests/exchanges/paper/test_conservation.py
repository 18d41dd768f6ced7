"""Money is conserved, whatever is traded: an oracle that knows nothing but the fills says what must be
there."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.exchanges.errors import ExchangeError, Outcome
from portal.exchanges.paper import reports
from portal.exchanges.paper.accepting import accept
from portal.exchanges.paper.account import PaperAccount, PaperFill, PaperOrder
from portal.exchanges.paper.matching import match
from portal.exchanges.paper.settings import PaperSettings
from portal.trading.pnl import build_book
from portal.trading.types import OrderState, OrderType, PositionSide, Side, TimeInForce
from tests.exchanges.paper.markets import INSTRUMENTS, SPOT, START, SWAP, D, request, ticker

#: So little that it runs out.
OPENING = {"USDT": D(60), "BTC": D("0.3")}
#: Around the first price closely, for limits within the slippage, and far away.
PRICES = st.one_of(st.integers(50, 200), st.integers(998, 1004).map(lambda tenth: D(tenth) / 10))
STEPS = st.one_of(
    st.tuples(
        st.just("order"), st.sampled_from([SPOT, SWAP]), st.sampled_from(list(Side)),
        st.integers(50, 300), st.sampled_from(list(OrderType)), st.sampled_from(list(TimeInForce)),
        PRICES, st.booleans(),
    ),
    st.tuples(st.just("price"), st.sampled_from([SPOT, SWAP]), PRICES),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
)  # fmt: skip


class World:
    """One account, its market, and everything that was ever filled."""

    def __init__(self, rules: PaperSettings) -> None:
        self.rules = rules
        self.account = PaperAccount(balances=dict(OPENING))
        self.prices = {SPOT.symbol: D(100), SWAP.symbol: D(100)}
        self.now = START
        self.orders: list[PaperOrder] = []

    def step(self, kind: str, *what: Any) -> None:
        self.now += timedelta(seconds=1)
        if kind == "price":
            instrument, price = what
            self.prices[instrument.symbol] = D(price)
            seen = {name: ticker(name, price, self.now, "1") for name, price in self.prices.items()}
            match(self.account, INSTRUMENTS, seen, self.rules, self.now)
        elif kind == "cancel":
            for order in self.account.live_orders()[: what[0]]:
                order.end(OrderState.CANCELED, self.now)
        else:
            self.order(*what)

    def order(
        self,
        instrument: Any,
        side: Side,
        lots: int,
        kind: OrderType,
        force: TimeInForce,
        price: int,
        close: bool,
    ) -> None:
        wanted = request(
            instrument.symbol, side, instrument.lot_size * lots, order_type=kind, time_in_force=force,
            price=D(price) if kind is OrderType.LIMIT else None,
            trigger_price=D(price) if kind is OrderType.STOP else None,
            reduce_only=close and instrument is SWAP,
        )  # fmt: skip
        seen = ticker(instrument.symbol, self.prices[instrument.symbol], self.now, "1")
        before = len(self.account.fills)
        try:
            self.orders.append(accept(self.account, wanted, instrument, seen, self.rules, self.now))
        except ExchangeError as error:
            assert error.outcome is Outcome.NOT_PLACED
            assert len(self.account.fills) == before


def spot_balances(fills: list[PaperFill]) -> dict[str, Decimal]:
    """What the spot fills made of the opening balances."""
    held = dict(OPENING)
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        held["BTC"] += sign * fill.quantity
        held["USDT"] -= sign * fill.quantity * fill.price
        held[fill.fee_currency] -= fill.fee
    return held


def check_against_the_fills(world: World) -> None:
    account, fills = world.account, world.account.fills
    spot = [fill for fill in fills if fill.symbol == SPOT.symbol]
    swap = [fill for fill in fills if fill.symbol == SWAP.symbol]
    held = spot_balances(spot)
    book = build_book(map(reports.fill_report, swap), SWAP, PositionSide.LONG)
    assert account.balances["BTC"] == held["BTC"]
    assert account.balances["USDT"] == held["USDT"] + cash_flow(world, swap)
    assert abs(account.balances["USDT"] - held["USDT"] - book.realized_pnl) < D("1e-12")
    assert sum(each.quantity for each in account.open_positions()) == book.quantity
    assert account.free("BTC") >= 0
    if not swap:
        assert account.free("USDT") >= 0
    for order in world.orders:
        check_order(order, [fill for fill in fills if fill.order_number == order.number])


def cash_flow(world: World, swap: list[PaperFill]) -> Decimal:
    """Every contract is paid and sold in full; what is still held is owned at its cost."""
    flow = sum((-fill.fee for fill in swap), D(0))
    for fill in swap:
        sign = 1 if fill.side is Side.BUY else -1
        flow -= sign * fill.quantity * fill.price * SWAP.contract_size
    return flow + sum(
        (each.cost if each.quantity > 0 else -each.cost for each in world.account.open_positions()), D(0)
    )


def check_order(order: PaperOrder, fills: list[PaperFill]) -> None:
    assert order.filled_quantity == sum((fill.quantity for fill in fills), D(0)) <= order.quantity
    assert [fill.sequence for fill in fills] == list(range(1, len(fills) + 1))
    assert (order.state is OrderState.FILLED) == (order.filled_quantity == order.quantity)
    assert order.is_live or order.reserved == 0
    assert order.reserved >= 0
    if order.time_in_force is TimeInForce.FOK:
        assert order.filled_quantity in (0, order.quantity)
    for fill in fills:
        if order.price is not None:
            assert fill.price <= order.price if order.side is Side.BUY else fill.price >= order.price


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(STEPS, max_size=30),
    fraction=st.sampled_from(["1", "0.5", "0.07"]),
    slippage=st.sampled_from(["0", "5", "37"]),
)
def test_balances_and_positions_are_what_the_fills_say(
    steps: list[tuple[Any, ...]], fraction: str, slippage: str
) -> None:
    world = World(PaperSettings(slippage_bps=D(slippage), fill_fraction=D(fraction)))
    for step in steps:
        ended = {order.number: order.filled_quantity for order in world.orders if not order.is_live}
        world.step(*step)
        check_against_the_fills(world)
        for order in world.orders:
            assert order.filled_quantity == ended.get(order.number, order.filled_quantity)
    for order in world.account.live_orders():
        order.end(OrderState.CANCELED, world.now)
    margin = sum((each.margin for each in world.account.open_positions()), D(0))
    assert world.account.free("USDT") == world.account.balances["USDT"] - margin
    assert world.account.free("BTC") == world.account.balances["BTC"]
