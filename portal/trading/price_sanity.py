"""Whether a price may be acted on. The rule, for every exit and every entry:

1. It must be there: above zero, a number that a price can be. It must not come from a crossed book, and it
   must not be older than two intervals of the check, by the venue's own time where it gives one.
2. It must lie in a band around the last price that was accepted for this market; the band widens with time.
3. What fails is looked at again at once, by other routes: the order book and the last trade. A jump out of
   the band is true when the order book and the last trade both agree with it; then it is acted on in the same
   cycle. Where the last trade says something else or nothing, the order book must agree again a check later.
4. What nothing confirms is not acted on. Somebody is told instead.

Pure: clock and readings are handed in."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from portal.trading.numbers import MAX_INTEGER_DIGITS, MAX_SCALE, exact
from portal.trading.orders import Ticker

#: Two intervals of `check_positions`.
MAX_AGE = timedelta(seconds=120)
#: How far a price may move in no time, how much further in each minute, and at most, before it is doubted.
_AT_ONCE, _PER_MINUTE, _WIDEST = Decimal("0.10"), Decimal("0.02"), Decimal("0.50")
#: How far two readings of the same moment may lie apart, and a last trade from the book.
_SAME, _TRADED = Decimal("0.02"), Decimal("0.05")
#: A second check comes no sooner than this after the first.
_LATER, _TOO_LATE = timedelta(seconds=30), timedelta(minutes=5)
_SMALLEST, _LARGEST = Decimal(10) ** -MAX_SCALE, Decimal(10) ** MAX_INTEGER_DIGITS


class Doubt(StrEnum):
    """Why a price is not acted on. Values are stored."""

    MISSING = "missing"
    CROSSED = "crossed"
    STALE = "stale"
    OUTSIDE_BAND = "outside_band"
    #: Nothing is known to compare it with, and the caller wants that.
    UNPROVED = "unproved"
    #: The venue does not list the market any more.
    NOT_LISTED = "not_listed"
    #: The venue did not answer.
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The last price that was accepted for a market, and when."""

    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """One reading and what is wrong with it; nothing when it may be acted on."""

    ticker: Ticker | None
    doubt: Doubt | None = None
    #: The order book, read by itself, says the same. What the last trade says is another matter.
    in_the_book: bool = False

    @property
    def price(self) -> Decimal | None:
        """The mark price that was read, doubted or not."""
        return mark_of(self.ticker)

    @property
    def mark(self) -> Decimal | None:
        """The mark price to act on, or None."""
        return self.price if self.doubt is None else None


def mark_of(ticker: Ticker | None) -> Decimal | None:
    """The mark price of a reading; None when it has none that could be one."""
    price = ticker.mark_price if ticker is not None else None
    return price if price is not None and _SMALLEST <= price < _LARGEST else None


def band(anchor: Anchor, now: datetime) -> tuple[Decimal, Decimal]:
    """Lowest and highest price that need no confirmation at `now`."""
    elapsed = max(now - anchor.at, timedelta())
    with exact():
        width = min(_AT_ONCE + _PER_MINUTE * (elapsed // timedelta(seconds=1)) / 60, _WIDEST)
        return anchor.price / (1 + width), anchor.price * (1 + width)


def judge(ticker: Ticker | None, anchor: Anchor | None, now: datetime, *, proved: bool = True) -> Judged:
    """What one reading is worth. With `proved=False` a market without an anchor is doubted, too."""
    price = mark_of(ticker)
    if ticker is None or (price is None and not ticker.is_crossed):
        return Judged(ticker, Doubt.MISSING)
    if ticker.is_crossed:
        return Judged(ticker, Doubt.CROSSED)
    if now - ticker.observed_at > MAX_AGE:
        return Judged(ticker, Doubt.STALE)
    if anchor is None or price is None:
        return Judged(ticker, None if proved else Doubt.UNPROVED)
    low, high = band(anchor, now)
    return Judged(ticker, None if low <= price <= high else Doubt.OUTSIDE_BAND)


def look_again(first: Judged, second: Ticker | None, anchor: Anchor | None, now: datetime) -> Judged:
    """The doubted `first` after a `second` look by other routes."""
    again = judge(second, anchor, now)
    if again.doubt not in (None, Doubt.OUTSIDE_BAND):
        return first
    if first.doubt is Doubt.OUTSIDE_BAND:
        if not _agree(again.price, first.price, _SAME):
            return first
        return replace(first, doubt=None if _is_traded(second) else first.doubt, in_the_book=True)
    if first.doubt is Doubt.UNPROVED:
        traded = second is not None and _agree(second.last, first.price, _TRADED)
        return replace(first, doubt=None) if traded or _agree(again.price, first.price, _SAME) else first
    if second is None or None in (second.bid, second.ask):
        return first  # a last trade alone may be hours old
    if again.doubt is None or _is_traded(second):
        return replace(again, doubt=None)
    return replace(again, in_the_book=True)


def seen_before(judged: Judged, price: Decimal | None, at: datetime | None, now: datetime) -> Judged:
    """A jump that the order book showed at the check before (`price`, `at`) and shows again now is true."""
    in_time = at is not None and _LATER <= now - at <= _TOO_LATE
    shown = judged.doubt is Doubt.OUTSIDE_BAND and judged.in_the_book
    if in_time and shown and _agree(judged.price, price, _TRADED):
        return replace(judged, doubt=None)
    return judged


def _is_traded(look: Ticker | None) -> bool:
    """The book of a look and its last trade agree: two witnesses."""
    return look is not None and None not in (look.bid, look.ask) and _agree(look.last, mark_of(look), _TRADED)


def _agree(one: Decimal | None, other: Decimal | None, within: Decimal) -> bool:
    if one is None or other is None or other <= 0:
        return False
    with exact():
        return abs(one - other) <= within * other
