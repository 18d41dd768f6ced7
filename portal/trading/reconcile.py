"""Our books beside what a venue says it holds: what is missing there, what is more than ours, and when a
shortage is believed. Pure decisions; nothing is read or written here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from portal.trading.types import MarketType, PositionSide

_ZERO = Decimal(0)

#: Two looks count as two when they are at least this far apart: longer than answers of a venue lag behind.
CONFIRM_AFTER = timedelta(seconds=15)
#: A first look that nobody confirmed for so long says nothing any more.
STALE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What is compared as one number: a swap market and side, or everything held of one coin on spot."""

    market_type: MarketType
    #: The unified symbol on swaps, the base currency on spot.
    name: str
    position_side: PositionSide = PositionSide.LONG


@dataclass(frozen=True, slots=True)
class Held:
    """One open position of ours, as the books have it."""

    position_id: int
    subject: Subject
    symbol: str
    quantity: Decimal
    lot_size: Decimal
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """The books have `booked` of a subject, the venue showed `seen`."""

    subject: Subject
    booked: Decimal
    seen: Decimal
    lot_size: Decimal

    @property
    def missing(self) -> Decimal:
        return max(self.booked - self.seen, _ZERO)

    @property
    def surplus(self) -> Decimal:
        return max(self.seen - self.booked, _ZERO)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shortages first: what the venue does not have although the books say so. `foreign`: more than ours."""

    missing: tuple[Difference, ...]
    foreign: tuple[Difference, ...]
    agreed: tuple[Subject, ...]


def compare(
    held: Iterable[Held], seen: Mapping[Subject, Decimal], *, lots: Mapping[str, Decimal] | None = None
) -> Comparison:
    """Compare every subject that `held` or `seen` name. What `seen` does not name is none there, so the
    caller leaves out of `held` whatever was not truly read.

    Less than a lot is no difference; on spot exactly one lot is none either, and more than ours is the
    user's own coins, which is normal. `lots` are the lot sizes of symbols that we hold nothing of."""
    booked: dict[Subject, Decimal] = {}
    sizes: dict[Subject, Decimal] = {}
    for each in held:
        booked[each.subject] = booked.get(each.subject, _ZERO) + each.quantity
        sizes[each.subject] = max(sizes.get(each.subject, _ZERO), each.lot_size)
    missing, foreign, agreed = [], [], []
    for subject in sorted(booked.keys() | seen.keys()):
        lot = sizes.get(subject) or (lots or {}).get(subject.name, _ZERO)
        found = Difference(subject, booked.get(subject, _ZERO), seen.get(subject, _ZERO), lot)
        on_spot = subject.market_type is MarketType.SPOT
        if found.missing > lot or (found.missing and found.missing == lot and not on_spot):
            missing.append(found)
        elif found.surplus and found.surplus >= lot and not on_spot:
            foreign.append(found)
        elif subject in booked:
            agreed.append(subject)
    return Comparison(tuple(missing), tuple(foreign), tuple(agreed))


class Verdict(StrEnum):
    """What a shortage is worth."""

    #: Seen for the first time, or the books have moved since: remember it, change nothing.
    NEW = "new"
    #: Seen again, but too soon after the first time.
    TOO_SOON = "too_soon"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Observation:
    """A shortage as it was seen before. `books` names the state of our books at that time."""

    booked: Decimal
    seen: Decimal
    books: str
    seen_at: datetime


def judge(now: Observation, earlier: Observation | None) -> Verdict:
    """Whether the same books met two answers of the venue far enough apart."""
    if earlier is None or earlier.books != now.books or earlier.booked != now.booked:
        return Verdict.NEW
    apart = now.seen_at - earlier.seen_at
    if apart < timedelta(0) or apart > STALE_AFTER:
        return Verdict.NEW
    return Verdict.CONFIRMED if apart >= CONFIRM_AFTER else Verdict.TOO_SOON


def confirmed_missing(now: Observation, earlier: Observation) -> Decimal:
    """What is missing by both answers: never more than either of them showed."""
    return max(now.booked - max(now.seen, earlier.seen), _ZERO)
