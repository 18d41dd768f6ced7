"""Which prices may be acted on. Properties: nothing old, crossed, absurd or unconfirmed ever is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.exchanges.ccxt_reports import to_ticker
from portal.trading.orders import Ticker
from portal.trading.price_sanity import Anchor, Doubt, Judged, band, judge, look_again, seen_before

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
D = Decimal
ANCHOR = Anchor(D(50_000), NOW - timedelta(seconds=60))

prices = st.decimals("0.000001", "1000000000", places=6)
seconds = st.integers(0, 86_400)


def at(price: Decimal | int, *, last: Decimal | int | None = None, age: int = 0) -> Ticker:
    """A book of one basis point around `price`."""
    half = D(price) / 20_000
    return Ticker(
        "BTC/USDT", D(price) - half, D(price) + half, None if last is None else D(last),
        NOW - timedelta(seconds=age),
    )  # fmt: skip


def test_price_when_fresh_and_near_the_last_one_is_used() -> None:
    assert judge(at(50_100), ANCHOR, NOW).mark == 50_100
    assert judge(at(50_100), None, NOW).mark == 50_100


@pytest.mark.parametrize(
    "raw",
    ["0", "-1", "NaN", "Infinity", "-Infinity", "1e400", "9e999999", "1e-40", "", "abc", None, True, []],
)
def test_f56_price_that_is_no_number_is_missing(raw: object) -> None:
    ticker = to_ticker({"bid": raw, "ask": raw, "last": raw, "timestamp": raw}, "BTC/USDT")
    assert judge(ticker, ANCHOR, NOW).doubt is Doubt.MISSING
    one_sided = to_ticker({"bid": "50000", "ask": raw}, "BTC/USDT")
    assert judge(one_sided, ANCHOR, NOW).doubt is Doubt.MISSING


def test_f56_crossed_book_is_doubted_even_with_a_last_trade() -> None:
    crossed = Ticker("BTC/USDT", D(50_100), D(50_000), D(50_050), NOW)
    assert judge(crossed, ANCHOR, NOW).doubt is Doubt.CROSSED


@pytest.mark.parametrize(("age", "doubt"), [(0, None), (120, None), (121, Doubt.STALE), (9999, Doubt.STALE)])
def test_f56_price_older_than_two_intervals_is_stale(age: int, doubt: Doubt | None) -> None:
    assert judge(at(50_000, age=age), ANCHOR, NOW).doubt is doubt


@given(prices, prices, seconds)
def test_f56_jump_out_of_the_band_is_never_used_unconfirmed(
    before: Decimal, price: Decimal, elapsed: int
) -> None:
    anchor = Anchor(before, NOW - timedelta(seconds=elapsed))
    judged = judge(Ticker("X/Y", None, None, price, NOW), anchor, NOW)
    low, high = band(anchor, NOW)
    assert (judged.mark is not None) is (low <= price <= high)
    assert before / 2 < low < before < high < before * 2


@given(prices, st.sampled_from([D(1000), D(1) / 1000]), seconds)
def test_f56_thousandfold_is_always_doubted(before: Decimal, factor: Decimal, elapsed: int) -> None:
    anchor = Anchor(before, NOW - timedelta(seconds=elapsed))
    ticker = Ticker("X/Y", None, None, before * factor, NOW)
    assert judge(ticker, anchor, NOW).doubt in (Doubt.OUTSIDE_BAND, Doubt.MISSING)


@given(prices, seconds, seconds)
def test_band_widens_with_time(price: Decimal, one: int, other: int) -> None:
    sooner, later = sorted((one, other))
    narrow = band(Anchor(price, NOW - timedelta(seconds=sooner)), NOW)
    wide = band(Anchor(price, NOW - timedelta(seconds=later)), NOW)
    assert wide[0] <= narrow[0] < price < narrow[1] <= wide[1]


def test_f55_gap_when_book_and_last_trade_agree_is_true_at_once() -> None:
    first = judge(at(41_000), ANCHOR, NOW)
    assert first.mark is None
    assert look_again(first, at(40_990, last=41_050), ANCHOR, NOW).mark == 41_000


@pytest.mark.parametrize(
    "second",
    [
        None,
        at(50_000, last=50_000),
        at(41_000, last=50_000),
        at(41_000),
        at(41_000, last=41_000, age=500),
        at(38_000, last=38_000),
        Ticker("BTC/USDT", D(41_100), D(40_900), D(41_000), NOW),
        Ticker("BTC/USDT", None, None, D(41_000), NOW),
    ],
)
def test_f56_jump_when_the_second_look_does_not_say_the_same_is_not_used(second: Ticker | None) -> None:
    assert look_again(judge(at(41_000), ANCHOR, NOW), second, ANCHOR, NOW).mark is None


@given(prices, prices, prices, prices)
def test_f56_jump_is_used_only_when_book_and_last_trade_witness_it(
    before: Decimal, first: Decimal, book: Decimal, last: Decimal
) -> None:
    anchor = Anchor(before, NOW)
    low, high = band(anchor, NOW)
    assume(not low <= first <= high)
    found = look_again(
        judge(Ticker("X/Y", first, first, None, NOW), anchor, NOW),
        Ticker("X/Y", book, book, last, NOW), anchor, NOW,
    )  # fmt: skip
    witnessed = abs(book - first) <= D("0.02") * first and abs(last - book) <= D("0.05") * book
    assert (found.mark is not None) is witnessed


def test_jump_without_a_trade_that_the_book_shows_twice_is_true_one_check_later() -> None:
    first = look_again(judge(at(41_000), ANCHOR, NOW), at(41_000, last=50_000), ANCHOR, NOW)
    assert first.doubt is Doubt.OUTSIDE_BAND
    assert first.in_the_book
    minute_ago = NOW - timedelta(seconds=60)
    assert seen_before(first, D(41_100), minute_ago, NOW).mark == 41_000
    assert seen_before(first, D(46_000), minute_ago, NOW).mark is None
    assert seen_before(first, D(41_100), NOW, NOW).mark is None, "the same moment is one reading"
    assert seen_before(first, None, None, NOW).mark is None
    only_quoted = replace(first, in_the_book=False)
    assert seen_before(only_quoted, D(41_000), minute_ago, NOW).mark is None


@pytest.mark.parametrize(
    "bad",
    [
        None,
        at(50_000, age=500),
        Ticker("BTC/USDT", D(50_100), D(50_000), None, NOW),
    ],
)
def test_unusable_price_is_replaced_by_a_sane_second_look(bad: Ticker | None) -> None:
    first = judge(bad, ANCHOR, NOW)
    assert look_again(first, at(50_200), ANCHOR, NOW).mark == 50_200
    assert look_again(first, None, ANCHOR, NOW).mark is None
    assert look_again(first, at(30_000), ANCHOR, NOW).mark is None
    assert look_again(first, Ticker("BTC/USDT", None, None, D(50_200), NOW), ANCHOR, NOW).mark is None
    assert look_again(first, at(30_000, last=30_000), ANCHOR, NOW).mark == 30_000


def test_price_of_an_unknown_market_when_proof_is_wanted_needs_one_other_witness() -> None:
    first = judge(at(50_000), None, NOW, proved=False)
    assert first.doubt is Doubt.UNPROVED
    assert look_again(first, at(50_010), None, NOW).mark == 50_000
    assert look_again(first, at(80, last=50_000), None, NOW).mark == 50_000
    assert look_again(first, at(80, last=80), None, NOW).mark is None
    assert look_again(first, None, None, NOW).mark is None


def test_verdict_without_a_price_has_none() -> None:
    assert Judged(None, Doubt.UNREAD).price is None
    assert Judged(None, Doubt.UNREAD).mark is None
