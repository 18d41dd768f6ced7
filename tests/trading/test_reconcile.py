"""What is missing, when it is believed, and whose part it was: for any books and any answers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from portal.trading.orders import Fee, FillReport
from portal.trading.reconcile import (
    CONFIRM_AFTER,
    STALE_AFTER,
    Held,
    Observation,
    Subject,
    Verdict,
    compare,
    confirmed_missing,
    judge,
)
from portal.trading.reconcile_shares import attribute
from portal.trading.types import MarketType, PositionSide, Side

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOT = Decimal("0.001")
SWAP = Subject(MarketType.SWAP, "BTC/USDT:USDT", PositionSide.LONG)
SHORT = Subject(MarketType.SWAP, "BTC/USDT:USDT", PositionSide.SHORT)
SPOT = Subject(MarketType.SPOT, "BTC")

lots = st.integers(0, 5_000).map(lambda count: count * LOT)
some_lots = st.integers(1, 5_000).map(lambda count: count * LOT)
subjects = st.sampled_from([SWAP, SHORT, SPOT])


def held(number: int, quantity: Decimal, subject: Subject = SWAP, symbol: str = "") -> Held:
    name = symbol or ("BTC/USDT" if subject.market_type is MarketType.SPOT else subject.name)
    return Held(number, subject, name, quantity, LOT, NOW + timedelta(minutes=number))


def fill(number: int, quantity: Decimal, side: Side = Side.SELL, symbol: str = SWAP.name) -> FillReport:
    moment = NOW + timedelta(hours=1, seconds=number)
    fee = Fee("USDT", Decimal("0.03"))
    return FillReport(
        f"t{number}", f"o{number}", symbol, side, quantity, Decimal(50_000), moment, fees=(fee,)
    )


def seen_at(seconds: float, booked: str = "1", seen: str = "0", books: str = "a") -> Observation:
    return Observation(Decimal(booked), Decimal(seen), books, NOW + timedelta(seconds=seconds))


@given(st.lists(some_lots, max_size=5), lots, subjects)
def test_comparison_names_every_subject_once_and_measures_it_exactly(
    quantities: list[Decimal], venue: Decimal, subject: Subject
) -> None:
    ours = [held(number, quantity, subject) for number, quantity in enumerate(quantities)]
    found = compare(ours, {subject: venue} if venue else {}, lots={subject.name: LOT})
    booked = sum(quantities, Decimal(0))
    named = [*found.missing, *found.foreign]
    assert len(named) + len(found.agreed) <= 1
    for each in named:
        assert (each.booked, each.seen) == (booked, venue)
        assert each.missing - each.surplus == booked - venue
    if booked - venue > LOT:
        assert found.missing, "a shortage beyond a lot is never overlooked"
    if venue - booked >= LOT and subject is not SPOT:
        assert found.foreign
    if subject is SPOT:
        assert not found.foreign, "more coins than ours are the user's own"
    if booked == venue:
        assert not named


def test_shortage_below_a_lot_is_none() -> None:
    assert compare([held(1, Decimal("1.0004"))], {SWAP: Decimal(1)}).missing == ()
    assert compare([held(1, Decimal("1.001"), SPOT)], {SPOT: Decimal(1)}).missing == ()
    assert compare([held(1, Decimal("1.0011"), SPOT)], {SPOT: Decimal(1)}).missing != ()


def test_side_that_we_do_not_have_is_foreign_and_ours_is_missing() -> None:
    found = compare([held(1, Decimal(1))], {SHORT: Decimal(2)})
    assert [each.subject for each in found.missing] == [SWAP]
    assert [each.subject for each in found.foreign] == [SHORT]


@given(st.integers(-100, 1_000), st.booleans(), st.booleans())
def test_shortage_is_confirmed_only_by_the_same_books_two_looks_apart(
    seconds: int, same_books: bool, same_quantity: bool
) -> None:
    now = seen_at(seconds, "1" if same_quantity else "2", books="a" if same_books else "b")
    verdict = judge(now, seen_at(0))
    if verdict is Verdict.CONFIRMED:
        assert same_books
        assert same_quantity
        assert CONFIRM_AFTER <= timedelta(seconds=seconds) <= STALE_AFTER
    elif same_books and same_quantity and 0 <= seconds < 15:
        assert verdict is Verdict.TOO_SOON
    else:
        assert verdict is Verdict.NEW
    assert judge(now, None) is Verdict.NEW


@given(lots, lots, lots)
def test_confirmed_shortage_is_never_more_than_either_look_showed(
    booked: Decimal, first: Decimal, second: Decimal
) -> None:
    then = Observation(booked, first, "a", NOW)
    now = Observation(booked, second, "a", NOW + timedelta(minutes=1))
    missing = confirmed_missing(now, then)
    assert missing == max(min(booked - first, booked - second), Decimal(0))


@given(
    st.lists(some_lots, min_size=1, max_size=5),
    st.lists(st.tuples(some_lots, st.sampled_from(Side)), max_size=6),
    some_lots,
)
def test_shares_take_exactly_what_is_missing_and_no_more_of_any_trade_than_there_was(
    quantities: list[Decimal], trades: list[tuple[Decimal, Side]], missing: Decimal
) -> None:
    ours = [held(number, quantity) for number, quantity in enumerate(quantities)]
    fills = [fill(number, quantity, side) for number, (quantity, side) in enumerate(trades)]
    found = attribute(missing, ours, fills)
    taken: dict[int, Decimal] = {}
    for share in found.shares:
        taken[share.position_id] = taken.get(share.position_id, Decimal(0)) + share.fill.quantity
    for position_id, quantity in found.unexplained:
        taken[position_id] = taken.get(position_id, Decimal(0)) + quantity
    assert sum(taken.values(), Decimal(0)) == min(missing, sum(quantities, Decimal(0)))
    for each in ours:
        assert taken.get(each.position_id, Decimal(0)) <= each.quantity
    closing = sum((each.quantity for each in fills if each.side is Side.SELL), Decimal(0))
    explained = sum((share.fill.quantity for share in found.shares), Decimal(0))
    assert explained == min(missing, closing, sum(quantities, Decimal(0)))
    for trade in fills:
        parts = [
            share.fill for share in found.shares if share.fill.exchange_order_id == trade.exchange_order_id
        ]
        assert sum((part.quantity for part in parts), Decimal(0)) <= trade.quantity
        assert sum((fee.cost for part in parts for fee in part.fees), Decimal(0)) <= Decimal("0.03")
    ids = [share.fill.exchange_fill_id for share in found.shares]
    assert len(ids) == len(set(ids))
    _oldest_bear_it(ours, taken)


def _oldest_bear_it(ours: list[Held], taken: dict[int, Decimal]) -> None:
    """No position is touched before all older ones are gone."""
    left = [each.quantity - taken.get(each.position_id, Decimal(0)) for each in ours]
    for younger in range(1, len(ours)):
        if taken.get(ours[younger].position_id):
            assert sum(left[:younger], Decimal(0)) == 0


def test_newest_trades_explain_a_shortage_and_older_ones_stay_the_owners() -> None:
    found = attribute(Decimal(1), [held(1, Decimal(2))], [fill(1, Decimal(3)), fill(2, Decimal(1))])
    assert [share.fill.exchange_fill_id for share in found.shares] == ["t2"]
    assert not found.unexplained


def test_trade_on_another_market_of_the_same_coin_explains_nothing() -> None:
    ours = [held(1, Decimal(2), SPOT, "BTC/USDT")]
    found = attribute(Decimal(2), ours, [fill(1, Decimal(2), symbol="BTC/EUR")], "BTC")
    assert found.shares == ()
    assert found.unexplained == ((1, Decimal(2)),)


def test_fee_taken_in_the_coin_counts_as_sold() -> None:
    trade = FillReport(
        "t", "o", "BTC/USDT", Side.SELL, Decimal("0.999"), Decimal(50_000), NOW, fees=(Fee("BTC", LOT),)
    )
    found = attribute(Decimal(1), [held(1, Decimal(1), SPOT)], [trade], "BTC")
    assert [share.fill for share in found.shares] == [trade]
    assert not found.unexplained
