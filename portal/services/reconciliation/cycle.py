"""One comparison of one connection: our books, one look at the venue, our books again. Decides nothing by
itself (`trading.reconcile` does) and sends nothing."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from decimal import Decimal

from portal.db import end_read, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import ExecutionConnection
from portal.services import resolution
from portal.services.reconciliation import differences, evidence, our_side, settling, their_side
from portal.services.reconciliation.our_side import OurSide
from portal.services.reconciliation.their_side import TheirSide
from portal.trading.numbers import text
from portal.trading.orders import FillReport
from portal.trading.reconcile import (
    Comparison,
    Difference,
    Observation,
    Subject,
    Verdict,
    compare,
    confirmed_missing,
    judge,
)
from portal.trading.reconcile_shares import attribute
from portal.trading.types import MarketType

_NO_TRADE = "The exchange lists no trade that explains it"
_NO_LIST = "This exchange cannot list its trades"


@dataclass(slots=True)
class Result:
    """What one comparison found, in words."""

    connection_id: int
    name: str
    #: Subjects that agree.
    agreed: int = 0
    #: Differences that were settled in the books.
    settled: list[str] = field(default_factory=list)
    #: Differences that wait for a second look.
    waiting: list[str] = field(default_factory=list)
    #: Not compared this time, because something of ours was moving.
    moving: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unable: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def stays(self) -> bool:
        """A difference is left, or something could not be read."""
        return bool(self.waiting or self.failed)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that one cycle saw."""

    before: OurSide
    theirs: TheirSide
    after: OurSide
    comparison: Comparison

    def is_quiet(self, subject: Subject) -> bool:
        """Nothing of ours moved on it while the venue was asked."""
        moving = self.before.is_moving(subject) or self.after.is_moving(subject)
        return not moving and self.before.fence(subject) == self.after.fence(subject)


def look(
    connection_id: int, exchange: Exchange, kinds: Collection[MarketType], also: Collection[str] = ()
) -> Look:
    """Read both sides, with the resting orders of the symbols in `also`. Raises nothing that a venue
    can cause. May be repeated."""
    before = our_side.read(connection_id)
    end_read()
    theirs = their_side.look(exchange, before, {*kinds, *_kinds_of(before)}, also)
    after = our_side.read(connection_id)
    end_read()
    read = [each for each in after.held if each.subject.market_type in theirs.covered]
    lots = {name: each.lot_size for name, each in exchange.instruments().items()} if theirs.seen else {}
    return Look(before, theirs, after, compare(read, theirs.seen, lots=lots))


def shortages(connection: ExecutionConnection, exchange: Exchange, seen: Look, result: Result) -> None:
    """What the venue has less of than the books: remembered, or settled when seen for the second time.
    Owns its transactions; may be repeated."""
    known = differences.known(connection.id)
    end_read()
    missing = {each.subject for each in seen.comparison.missing}
    result.agreed = len(seen.comparison.agreed)
    gone = [
        subject
        for subject in known
        if subject.market_type in seen.theirs.covered and subject not in missing and seen.is_quiet(subject)
    ]
    if gone:
        with transaction():
            for subject in gone:
                differences.forget(connection.id, subject)
    for each in seen.comparison.missing:
        if not seen.is_quiet(each.subject):
            result.moving.append(each.subject.name)
            continue
        try:
            _shortage(connection, exchange, seen, each, known.get(each.subject), result)
        except ExchangeError as error:
            result.failed.append(f"{each.subject.name} could not be explained: {error.message}")
        except evidence.BehindError:
            result.moving.append(each.subject.name)


def _shortage(
    connection: ExecutionConnection,
    exchange: Exchange,
    seen: Look,
    found: Difference,
    earlier: Observation | None,
    result: Result,
) -> None:
    subject = found.subject
    now = Observation(found.booked, found.seen, seen.after.books(subject), utcnow())
    verdict = judge(now, earlier)
    said = f"{subject.name}: the books have {text(found.booked)}, the exchange shows {text(found.seen)}"
    if verdict is Verdict.NEW:
        with transaction():
            differences.remember(connection.id, subject, now)
    if verdict is not Verdict.CONFIRMED or earlier is None:
        result.waiting.append(f"{said}; a second look in a minute settles it")
        return
    case = _case(connection, exchange, seen.after, subject, earlier, now)
    done = settling.settle(case) if case is not None else []
    if done:
        result.settled += done
    else:
        result.waiting.append(f"{said}; the books moved, it is looked at again")


def _case(
    connection: ExecutionConnection,
    exchange: Exchange,
    ours: OurSide,
    subject: Subject,
    earlier: Observation,
    now: Observation,
) -> settling.Case | None:
    """What the venue's own trades say of a confirmed shortage; None when there is none after all."""
    for order in ours.orders_of(subject):
        # What a guard or a resting entry did a moment ago comes first: it is ours.
        resolution.ask_now(order.order_id, exchange)
    missing = confirmed_missing(_asked_alone(exchange, subject, now), earlier)
    held = ours.of(subject)
    found = evidence.foreign_fills(connection.id, exchange, subject, held)
    base = subject.name if subject.market_type is MarketType.SPOT else ""
    attribution = attribute(missing, held, found.fills, base)
    if not attribution.shares and not attribution.unexplained:
        return None
    taken: dict[str, list[FillReport]] = {}
    for share in attribution.shares:
        taken.setdefault(share.fill.exchange_order_id, []).append(share.fill)
    orders = {
        order_id: evidence.whose(connection, exchange, held, fills) for order_id, fills in taken.items()
    }
    silence = _NO_TRADE if found.listed else _NO_LIST
    return settling.Case(connection.id, subject, ours.fence(subject), attribution, orders, silence)


def _asked_alone(exchange: Exchange, subject: Subject, now: Observation) -> Observation:
    """Lists of all positions leave some out at some venues; before anything is closed the market is asked
    for by its name."""
    if subject.market_type is MarketType.SPOT:
        return now
    reports = exchange.positions([subject.name])
    mine = [each for each in reports if each.symbol == subject.name]
    alone = sum((each.quantity for each in mine if each.position_side is subject.position_side), Decimal(0))
    return replace(now, seen=max(now.seen, alone))


def _kinds_of(ours: OurSide) -> set[MarketType]:
    return {MarketType.SWAP if ":" in each else MarketType.SPOT for each in ours.symbols()}
