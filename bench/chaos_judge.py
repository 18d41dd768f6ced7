"""The verdict on a chaos run: every accepted order of the exchange is held against the books, and every
position against what rests and what is held there. Counts; changes nothing."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

import sqlalchemy as sa

from bench.chaos_plan import Toll
from bench.chaos_stops import Holding, bare, held, silent
from bench.floor import Floor
from portal.db import db, end_read
from portal.exchanges.sandbox.client import AcceptedOrder
from portal.models import (
    IN_DOUBT,
    UNSETTLED,
    Execution,
    ExecutionConnection,
    ExecutionLog,
    ExecutionPosition,
    Fill,
    ForeignHolding,
    Notification,
    Order,
    Signal,
)
from portal.models.order import NEVER_THERE
from portal.models.position import HELD
from portal.services import books
from portal.services.reconciliation import restored
from portal.trading.types import (
    MarketType,
    NotificationType,
    OrderRole,
    PositionSide,
    PositionStatus,
    Protection,
)

Row = TypeVar("Row")

_ZERO = Decimal(0)


@dataclass(slots=True)
class Verdict:
    """Broken promises by kind, each as a sentence, and the figures of the run."""

    accepted: int = 0
    positions: int = 0
    duplicates: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unprotected: list[str] = field(default_factory=list)
    off_books: list[str] = field(default_factory=list)
    #: Holdings at the exchange that no stop there would close, and how many of them have their alarm.
    bare: int = 0
    alarmed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    #: Seconds from the intent to the outcome of each order that was in doubt, shortest first.
    unknown_seconds: list[float] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All of them; empty when every promise was kept."""
        return [*self.duplicates, *self.ghosts, *self.lost, *self.unprotected, *self.off_books]


def is_settled(without_stops: frozenset[str] = frozenset()) -> bool:
    """Whether everything has an outcome and every open position is proved, or alarmed about where the
    exchange takes no stop."""
    wanted = (
        sa.select(Execution.id).where(Execution.status.in_(UNSETTLED)),
        sa.select(Order.id).where(Order.state.in_(IN_DOUBT)),
        sa.select(Order.id).where(Order.closed_at.is_not(None), ~Order.fills_complete),
        sa.select(ExecutionPosition.id).where(ExecutionPosition.status == PositionStatus.CLOSING),
        sa.select(ExecutionPosition.id).where(ExecutionPosition.close_reason.is_not(None), _open()),
        sa.select(ExecutionPosition.id).where(
            ExecutionPosition.protection_due_since.is_not(None),
            sa.or_(
                ExecutionPosition.unprotected_told_at.is_(None),
                ExecutionPosition.connection_name.not_in(without_stops),
            ),
            _open(),
        ),
        sa.select(Order.id)
        .join(ExecutionPosition, ExecutionPosition.id == Order.position_id)
        .where(Order.is_guard, Order.closed_at.is_(None), ExecutionPosition.status.not_in(HELD)),
    )
    left = [db.session.scalar(each.limit(1)) for each in wanted]
    end_read()
    return not any(left)


def unsettled() -> int:
    """Executions without an outcome."""
    wanted = sa.select(sa.func.count()).select_from(Execution).where(Execution.status.in_(UNSETTLED))
    found = db.session.scalar(wanted) or 0
    end_read()
    return found


def _open() -> sa.ColumnElement[bool]:
    return ExecutionPosition.status == PositionStatus.OPEN


def judge(here: Floor, toll: Toll) -> Verdict:
    """Compare books and exchange once everything has settled."""
    verdict = Verdict()
    # The exchange first: what it has taken by then was written down by us before.
    taken, accounts = here.sandbox.orders(), here.sandbox.accounts()
    orders = {each.client_order_id: each for each in _rows(sa.select(Order))}
    verdict.accepted = len(taken)
    _orders(verdict, orders, taken)
    _executions(verdict, toll)
    positions = _rows(sa.select(ExecutionPosition))
    alarmed = _alarmed(positions)
    _protection(verdict, orders, taken, positions, {position.id for position in alarmed})
    _stops(verdict, bare(accounts, taken), alarmed)
    _holdings(here, verdict, positions, held(accounts))
    verdict.off_books += [str(each) for each in books.verify()]
    verdict.off_books += _false_alarms()
    verdict.unknown_seconds = _unknown_seconds()
    end_read()
    return verdict


def _rows(wanted: "sa.Select[Row]") -> Sequence[Row]:
    return db.session.execute(wanted.execution_options(populate_existing=True)).scalars().all()


def _orders(verdict: Verdict, orders: Mapping[str, Order], taken: Sequence[AcceptedOrder]) -> None:
    """One accepted order per intent, one accepted entry per execution, and none that the books deny."""
    seen = Counter((each.account, each.client_order_id) for each in taken)
    verdict.duplicates += [
        f"{name} accepted {key} {count} times" for (name, key), count in seen.items() if count > 1
    ]
    entries: Counter[int] = Counter()
    for each in taken:
        known = orders.get(each.client_order_id)
        if known is None:
            verdict.ghosts.append(f"{each.account} has order {each.client_order_id}, which nobody knows")
            continue
        if known.state in NEVER_THERE:
            verdict.ghosts.append(f"{known.intent_key} is called {known.state}, {each.account} has it")
        elif known.closed_at is not None and each.status in ("NEW", "PARTIALLY_FILLED"):
            verdict.ghosts.append(f"{known.intent_key} is called {known.state}, and still rests")
        if known.role is OrderRole.ENTRY and known.execution_id is not None:
            entries[known.execution_id] += 1
    verdict.duplicates += [
        f"execution {key} has {count} entries" for key, count in entries.items() if count > 1
    ]


def _executions(verdict: Verdict, toll: Toll) -> None:
    """Every delivered signal reached every account, and every execution has an outcome."""
    accounts = db.session.scalar(sa.select(sa.func.count()).select_from(ExecutionConnection)) or 0
    counted = db.session.execute(
        sa.select(Signal.dedupe_key, sa.func.count(Execution.id))
        .join(Execution, Execution.signal_id == Signal.id, isouter=True)
        .group_by(Signal.dedupe_key)
    )
    reached: dict[str | None, int] = dict(counted.all())
    for key in toll.keys:
        if reached.get(key, 0) != accounts:
            verdict.lost.append(f"signal {key} reached {reached.get(key, 0)} of {accounts} accounts")
    for execution in _rows(sa.select(Execution)):
        verdict.statuses[execution.status.value] += 1
        if execution.status in UNSETTLED:
            verdict.lost.append(f"execution {execution.id} is still {execution.status}: {execution.message}")
    for order in _rows(sa.select(Order).where(Order.state.in_(IN_DOUBT))):
        verdict.lost.append(f"{order.intent_key} is still {order.state}")


def _protection(
    verdict: Verdict,
    orders: Mapping[str, Order],
    taken: Sequence[AcceptedOrder],
    positions: Sequence[ExecutionPosition],
    alarmed: Set[int],
) -> None:
    """Each open position has exactly its stop at the exchange, or an alarm; nothing else rests there."""
    resting: dict[int, list[AcceptedOrder]] = defaultdict(list)
    for each in taken:
        known = orders.get(each.client_order_id)
        if each.status == "NEW" and known is not None:
            resting[known.position_id or 0].append(each)
    for position in positions:
        stops = resting.pop(position.id, [])
        if position.status not in HELD:
            verdict.off_books += [
                f"closed position {position.id} has a stale {each.client_order_id}" for each in stops
            ]
            continue
        verdict.positions += 1
        wanted = position.quantity - position.quantity % position.lot_size
        proved = [each.quantity - each.filled_quantity for each in stops] == [wanted]
        if not proved and position.id not in alarmed:
            at = ", ".join(str(each.quantity) for each in stops) or "nothing"
            verdict.unprotected.append(f"position {position.id} holds {wanted}, {at} protects it")
    for strays in resting.values():
        verdict.off_books += [f"{each.account} has a stray {each.client_order_id}" for each in strays]


def _alarmed(positions: Sequence[ExecutionPosition]) -> list[ExecutionPosition]:
    """Those that are shown as unprotected now, and of which somebody was told."""
    told = sa.select(Notification.position_id).where(Notification.type == NotificationType.UNPROTECTED)
    known = set(db.session.execute(told).scalars())
    return [
        position
        for position in positions
        if position.status in HELD
        and position.protection is Protection.FAILED
        and position.unprotected_told_at is not None
        and position.id in known
    ]


def _stops(verdict: Verdict, found: Mapping[Holding, Decimal], alarmed: Sequence[ExecutionPosition]) -> None:
    """What the exchange holds without a stop there is spoken of by alarms, to the last lot."""
    spoken: defaultdict[Holding, Decimal] = defaultdict(Decimal)
    for position in alarmed:
        spoken[_holding(position)] += position.quantity
    quiet = silent(found, spoken)
    verdict.bare, verdict.alarmed = len(found), len(found) - len(quiet)
    verdict.unprotected += quiet


def _holding(position: ExecutionPosition) -> Holding:
    kind = "swap" if position.market_type is MarketType.SWAP else "spot"
    return position.connection_name, f"{kind} {position.base}"


def _holdings(
    here: Floor,
    verdict: Verdict,
    positions: Sequence[ExecutionPosition],
    there: Mapping[Holding, Decimal],
) -> None:
    """Fills are the exchange's, one by one; positions are what its accounts hold."""
    at_exchange = {(fill["account_id"], str(fill["trade_id"])) for fill in here.sandbox.fills()}
    stored = db.session.execute(
        sa.select(ExecutionConnection.name, Fill.exchange_fill_id).join(
            ExecutionConnection, ExecutionConnection.id == Fill.connection_id
        )
    )
    ours = {(name, fill_id) for name, fill_id in stored}
    verdict.off_books += [f"{name}: fill {key} is on one side only" for name, key in at_exchange ^ ours]
    booked: Counter[Holding] = Counter()
    for position in positions:
        sign = 1 if position.position_side is PositionSide.LONG else -1
        booked[_holding(position)] += sign * (  # type: ignore[assignment]
            position.quantity + position.dust_quantity
        )
    for key in booked.keys() | there.keys():
        if booked[key] != there.get(key, _ZERO):
            verdict.off_books.append(
                f"{key}: the books say {booked[key]}, the exchange {there.get(key, _ZERO)}"
            )


def _false_alarms() -> list[str]:
    """Nobody traded by hand, and no database was restored: whoever says so is wrong."""
    foreign = _rows(sa.select(ForeignHolding))
    restores = _rows(sa.select(Notification).where(Notification.title == restored.TITLE))
    return [
        *(f"{each.connection_name}: {each.kind} {each.symbol} was called not ours" for each in foreign),
        *(f"notification {each.id} says: {each.title}" for each in restores),
    ]


def _unknown_seconds() -> list[float]:
    doubted = sa.select(ExecutionLog.order_id).where(ExecutionLog.event == "unresolved")
    rows = db.session.execute(
        sa.select(Order.sent_at, sa.func.least(Order.acknowledged_at, Order.closed_at)).where(
            Order.id.in_(doubted), sa.func.least(Order.acknowledged_at, Order.closed_at).is_not(None)
        )
    )
    return sorted((known_at - sent_at).total_seconds() for sent_at, known_at in rows)
