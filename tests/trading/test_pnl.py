"""Books from fills: by hand, then any history against the money that changed hands."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from portal.trading.orders import Fee, FillReport
from portal.trading.pnl import build_book
from portal.trading.types import PositionSide, Side
from tests.trading import oracle_book as oracle
from tests.trading.factories import NOW, D, bounded, fill, inverse, linear, money, spot

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BUY, SELL = Side.BUY, Side.SELL


def test_an_empty_book_holds_and_earned_nothing() -> None:
    book = build_book([], spot(), LONG)
    assert (book.quantity, book.realized_pnl, book.fees, book.average_entry) == (0, 0, 0, None)
    assert book.unrealized_pnl(D(100)) == 0


def test_a_long_earns_when_it_sells_higher() -> None:
    book = build_book([fill(1, BUY, 2, 100), fill(2, BUY, 2, 110), fill(3, SELL, 1, 120)], spot(), LONG)
    assert (book.quantity, book.average_entry, book.average_exit) == (3, 105, 120)
    assert book.realized_pnl == 15
    assert book.unrealized_pnl(D(100)) == -15


def test_a_short_earns_when_it_buys_back_lower() -> None:
    book = build_book([fill(1, SELL, 2000, 100), fill(2, BUY, 1000, 90)], linear(), SHORT)
    assert (book.quantity, book.realized_pnl, book.unrealized_pnl(D(80))) == (1000, 10, 20)


def test_an_inverse_long_earns_base_currency() -> None:
    book = build_book([fill(1, BUY, 10, 40_000), fill(2, SELL, 10, 50_000)], inverse(), LONG)
    assert book.realized_pnl == D("0.005")  # 1000 USD * (1/40000 - 1/50000)


def test_an_inverse_average_is_harmonic() -> None:
    book = build_book([fill(1, BUY, 10, 40_000), fill(2, BUY, 10, 60_000)], inverse(), LONG)
    assert book.average_entry == 48_000


def test_a_fee_in_base_currency_makes_a_spot_position_smaller() -> None:
    book = build_book([fill(1, BUY, 1, 100, Fee("BTC", D("0.001")))], spot(), LONG)
    assert (book.quantity, book.entered_quantity, book.average_entry) == (D("0.999"), 1, 100)
    assert (book.fees, book.realized_pnl) == (D("0.1"), D("-0.1"))


def test_a_fee_in_base_currency_leaves_a_swap_position_alone() -> None:
    book = build_book([fill(1, BUY, 1, 100, Fee("BTC", D("0.001")))], linear(), LONG)
    assert (book.quantity, book.fees) == (1, D("0.1"))


def test_a_rebate_is_a_gain() -> None:
    book = build_book([fill(1, BUY, 1, 100, Fee("USDT", D("-0.02")))], spot(), LONG)
    assert book.realized_pnl == D("0.02")


def test_a_fee_in_a_third_currency_is_shown_apart_until_a_rate_is_known() -> None:
    fills = [fill(1, BUY, 1, 100, Fee("BNB", D("0.01"))), fill(2, SELL, 1, 100, Fee("BNB", D("0.02")))]
    apart = build_book(fills, spot(), LONG)
    assert (dict(apart.other_fees), apart.fees, apart.realized_pnl) == ({"BNB": D("0.03")}, 0, 0)
    counted = build_book(fills, spot(), LONG, rates={"BNB": D(600)})
    assert (dict(counted.other_fees), counted.fees, counted.realized_pnl) == ({}, 18, -18)


def test_a_fee_that_carries_its_rate_is_counted_at_it_whatever_the_rates_say() -> None:
    fills = [
        fill(1, BUY, 1, 100, Fee("BNB", D("0.01"), D(500))),
        fill(2, SELL, 1, 100, Fee("BNB", D("0.02"))),
    ]
    book = build_book(fills, spot(), LONG, rates={"BNB": D(600)})
    assert (dict(book.other_fees), book.fees, book.realized_pnl) == ({}, 17, -17)


def test_funding_is_a_cash_flow_of_its_own() -> None:
    book = build_book([fill(1, BUY, 1, 100)], linear(), LONG, funding=[D("-0.5"), D("0.2")])
    assert (book.funding, book.realized_pnl, book.quantity) == (D("-0.3"), D("-0.3"), 1)


def test_a_position_that_was_closed_starts_anew() -> None:
    book = build_book([fill(1, BUY, 1, 100), fill(2, SELL, 1, 110), fill(3, BUY, 1, 200)], spot(), LONG)
    assert (book.average_entry, book.realized_pnl, book.quantity) == (200, 10, 1)


def test_fills_of_one_instant_are_entered_before_they_are_closed() -> None:
    at_once = [replace(fill(1, SELL, 1, 110), filled_at=NOW), replace(fill(2, BUY, 1, 100), filled_at=NOW)]
    book = build_book(at_once, spot(), LONG)
    assert (book.quantity, book.average_entry, book.realized_pnl) == (0, 100, 10)


def test_selling_more_than_was_held_stays_visible() -> None:
    book = build_book([fill(1, BUY, 1, 100), fill(2, SELL, 3, 110)], linear(), LONG)
    assert (book.quantity, book.oversold, book.average_entry) == (-2, 2, 110)
    assert book.realized_pnl == D("0.01")
    assert book.unrealized_pnl(D(120)) == D("-0.02")


def test_a_closed_short_is_zero_without_a_sign() -> None:
    book = build_book([fill(1, SELL, 1, 100), fill(2, BUY, 1, 100)], linear(), SHORT)
    assert [str(value) for value in (book.quantity, book.oversold, book.realized_pnl)] == ["0", "0", "0"]


FEES = st.lists(st.builds(Fee, st.sampled_from(["USDT", "BTC"]), money("-0.001", "0.01")), max_size=2).map(
    tuple
)


#: Some in a third coin, with a rate of their own or without one.
MIXED_FEES = st.lists(
    st.one_of(
        st.builds(Fee, st.sampled_from(["USDT", "BTC"]), money("-0.001", "0.01")),
        st.builds(
            Fee, st.sampled_from(["BNB", "OKB"]), money("0", "0.05"), st.none() | money("0.00000001", "90000")
        ),
    ),
    max_size=3,
).map(tuple)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[FillReport], list[FillReport]]:
    """A history in order, and the same shuffled with some reports repeated."""
    fills = [
        fill(
            number,
            draw(st.sampled_from(Side)),
            draw(money("0.00000001", "100")),
            draw(money("0.01", "90000")),
            *draw(FEES),
        )
        for number in range(draw(st.integers(1, 10)))
    ]
    repeated = draw(st.lists(st.sampled_from(fills), max_size=5))
    return fills, draw(st.permutations([*fills, *repeated]))


@bounded
@given(histories(), st.sampled_from(PositionSide))
def test_a_book_does_not_depend_on_order_or_repetition(
    history: tuple[list[FillReport], list[FillReport]], side: PositionSide
) -> None:
    fills, mess = history
    assert build_book(mess, spot(), side) == build_book(fills, spot(), side)


@bounded
@given(histories(), st.sampled_from(PositionSide), money("0.01", "90000"))
def test_a_spot_book_agrees_with_the_money_that_changed_hands(
    history: tuple[list[FillReport], list[FillReport]], side: PositionSide, mark: Decimal
) -> None:
    _, mess = history
    book = build_book(mess, spot(), side)
    cash, coins = oracle.cash_and_base(mess, "BTC", "USDT")
    assert Fraction(book.quantity) == side.sign * coins
    earned = Fraction(book.realized_pnl) + Fraction(book.unrealized_pnl(mark))
    # Two roundings to 18 decimals, and the rounded average times what is held.
    assert abs(earned - (cash + coins * Fraction(mark))) <= Fraction(2 + abs(coins), 10**18)


@bounded
@given(histories(), st.lists(MIXED_FEES, min_size=10, max_size=10), st.sampled_from(PositionSide))
def test_fees_in_any_coin_are_counted_at_their_rate_or_shown_apart_and_never_lost(
    history: tuple[list[FillReport], list[FillReport]], fees: list[tuple[Fee, ...]], side: PositionSide
) -> None:
    fills, mess = history
    paid = {each.exchange_fill_id: fees[number] for number, each in enumerate(fills)}
    mess = [replace(each, fees=paid[each.exchange_fill_id]) for each in mess]
    book = build_book(mess, spot(), side)
    cash, coins = oracle.cash_with_third_coins(mess, "BTC", "USDT")
    mark = D(12_345)
    earned = Fraction(book.realized_pnl) + Fraction(book.unrealized_pnl(mark))
    assert Fraction(book.quantity) == side.sign * coins
    assert abs(earned - (cash + coins * Fraction(mark))) <= Fraction(2 + abs(coins), 10**18)
    apart: dict[str, Decimal] = {}
    for each in (fee for charged in paid.values() for fee in charged):
        if each.currency in ("BNB", "OKB") and each.rate is None:
            apart[each.currency] = apart.get(each.currency, D(0)) + each.cost
    assert dict(book.other_fees) == apart


@bounded
@given(histories(), st.sampled_from(PositionSide), money("1", "90000"))
def test_an_inverse_book_agrees_with_the_worth_of_its_contracts(
    history: tuple[list[FillReport], list[FillReport]], side: PositionSide, mark: Decimal
) -> None:
    _, mess = history
    bare = [
        fill(int(report.exchange_fill_id[1:]), report.side, report.quantity, report.price + 1)
        for report in mess
    ]
    book = build_book(bare, inverse(), side)
    expected = oracle.inverse_equity(bare, Fraction(100), Fraction(mark))
    earned = Fraction(book.realized_pnl) + Fraction(book.unrealized_pnl(mark))
    assert abs(earned - expected) <= Fraction(10**6, 10**18)
