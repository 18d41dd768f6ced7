"""A year on several accounts, drawn by lot, and the report about it added up row by row in Python: what every
faster way has to equal."""

import datetime as dt
import random
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass
from decimal import Decimal, localcontext
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import (
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Order,
    Signal,
    TradingPreset,
)
from portal.services.reports import counting, quality, results
from portal.services.reports.count_quality import LATENCY_MS, SLIPPAGE_BPS
from portal.services.reports.results import GroupBy
from portal.services.reports.scope import Scope
from portal.trading.types import ExecutionStatus, OrderRole, PositionStatus, Side
from tests import world

Answers = dict[str, Any]
_STEPS = ("queue", "read", "plan", "place", "record", "total")
_MOMENTS = ("claimed_at", "read_at", "intended_at", "answered_at", "finished_at")
_CURRENCIES = ("USDT", "USDT", "USDC", "BTC")
_CODES = {ExecutionStatus.DENIED: "SPREAD_TOO_WIDE", ExecutionStatus.REJECTED: "INSUFFICIENT_FUNDS"}
_REFUSED = {
    ExecutionStatus.DENIED, ExecutionStatus.REJECTED, ExecutionStatus.NOT_PLACED, ExecutionStatus.EXPIRED,
}  # fmt: skip


def trade(lot: random.Random, signal: Signal, account: ExecutionConnection, at: dt.datetime) -> None:
    """An execution, and mostly its position and the entry, closed some hours later. Adds, does not commit."""
    status = lot.choice((ExecutionStatus.FILLED, ExecutionStatus.FILLED, *_CODES))
    moments = [at + dt.timedelta(milliseconds=ms) for ms in sorted(lot.choices(range(9000), k=5))]
    execution = world.make_execution(
        signal, account, created_at=at, status=status, code=_CODES.get(status),
        message=lot.choice(("Too wide.", "too wide", "Zu weit – breit.", None)),
        **dict(zip(_MOMENTS, moments, strict=True)),
    )  # fmt: skip
    if status is not ExecutionStatus.FILLED:
        return
    position = world.make_position(
        account, execution_id=execution.id, status=PositionStatus.CLOSED, opened_at=at,
        closed_at=at + dt.timedelta(hours=lot.randrange(1, 40)), symbol=lot.choice(("A/USDT", "B/USDT")),
        settle=lot.choice(_CURRENCIES), fees=Decimal(lot.randrange(10**20)) / 10**18,
        realized_pnl=Decimal(lot.randrange(-(10**32), 10**32)) / 10**18,
    )  # fmt: skip
    world.make_order(
        execution, position_id=position.id, sent_at=moments[2], side=lot.choice(list(Side)),
        average_price=lot.choice((None, Decimal(64000 + lot.randrange(-400, 400)))),
        reference_price=lot.choice((Decimal(64000), Decimal(64000), None, Decimal(0))),
    )  # fmt: skip


def answered(scope: Scope) -> Answers:
    """What the pages say."""
    figures = counting.figures(scope.owner_id, scope.since.date())
    return {
        "currencies": results.currencies(figures),
        "days": [(str(day.date), *astuple(day)[1:]) for day in results.by_day(figures, scope) if day.trades],
        "total": results.total(figures, scope),
        **{group: results.grouped(figures, scope, group) for group in GroupBy},
        "outcomes": quality.outcomes(figures),
        "refusals": quality.refusals(figures),
        "steps": quality.steps(figures.times),
        "latencies": quality.latencies(figures),
        "slippages": quality.slippages(figures),
    }


def added_up(scope: Scope) -> Answers:
    """The same from the rows themselves."""
    with localcontext(prec=200):
        return _of_positions(scope) | _of_executions(scope)


@dataclass(frozen=True)
class _Known:
    """What the names and slippages of positions are looked up in."""

    sources: dict[int, str]
    presets: dict[int, str]
    slips: dict[int | None, Decimal | None]

    @classmethod
    def now(cls) -> "_Known":
        entries = db.session.scalars(
            sa.select(Order)
            .where(Order.role == OrderRole.ENTRY, Order.average_price.is_not(None))
            .order_by(Order.id.desc())
        )
        sources = sa.select(Execution.id, Signal.source).join(Signal, Signal.id == Execution.signal_id)
        presets = sa.select(ExecutionConnection.id, TradingPreset.name).join(TradingPreset)
        return cls(
            dict(db.session.execute(sources).all()),
            dict(db.session.execute(presets).all()),
            {order.position_id: _slipped(order) for order in entries},
        )

    def name(self, position: ExecutionPosition, group: GroupBy) -> str:
        if group is GroupBy.CONNECTION:
            return position.connection_name
        if group is GroupBy.SYMBOL:
            return position.symbol
        if group is GroupBy.PRESET:
            return self.presets.get(position.connection_id or 0, "Built-in defaults")
        return self.sources.get(position.execution_id or 0, "unknown")

    def result(self, name: str, positions: list[ExecutionPosition]) -> results.Result:
        gains = [position.realized_pnl for position in positions]
        slips = [slip for each in positions if (slip := self.slips.get(each.id)) is not None]
        total = sum(slips, Decimal(0))
        with localcontext(prec=28):
            mean = total / len(slips) if slips else None
        return results.Result(
            name, len(positions), sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains),
            sum(gains, Decimal(0)), sum((gain for gain in gains if gain > 0), Decimal(0)),
            -sum((gain for gain in gains if gain < 0), Decimal(0)),
            sum((position.fees for position in positions), Decimal(0)), mean,
        )  # fmt: skip


def _of_positions(scope: Scope) -> Answers:
    query = sa.select(ExecutionPosition).where(ExecutionPosition.closed_at >= scope.since)
    closed = _mine(scope, query.order_by(ExecutionPosition.id), ExecutionPosition)
    counted = [position for position in closed if position.settle == scope.currency]
    busiest = Counter(position.settle for position in closed)
    known = _Known.now()
    by: dict[str, dict[str, list[ExecutionPosition]]] = defaultdict(lambda: defaultdict(list))
    for position in counted:
        by["days"][str(position.closed_at.date())].append(position)
        for group in GroupBy:
            by[group][known.name(position, group)].append(position)
    rows = {kind: [known.result(*each) for each in parts.items()] for kind, parts in by.items()}
    groups = {
        group: sorted(rows.get(group, []), key=lambda row: (-row.trades, row.name)) for group in GroupBy
    }
    days = sorted(rows.get("days", []), key=lambda row: row.name)
    return {
        **groups,
        "currencies": sorted(busiest, key=lambda currency: (-busiest[currency], currency)),
        "total": known.result("", counted),
        "days": [(day.name, day.trades, day.wins, day.result, day.fees) for day in days],
    }


def _slipped(order: Order) -> Decimal | None:
    if order.average_price is None or not order.reference_price:
        return None
    worse = order.average_price - order.reference_price
    return (worse if order.side is Side.BUY else -worse) / order.reference_price * 10_000


def _of_executions(scope: Scope) -> Answers:
    made = _mine(scope, sa.select(Execution).where(Execution.created_at >= scope.since), Execution)
    sent = sa.select(Order).where(Order.sent_at >= scope.since, Order.role == OrderRole.ENTRY)
    mine = (Execution.owner_id == scope.owner_id) if scope.owner_id else sa.true()
    entries = db.session.scalars(sent.join(Execution, Execution.id == Order.execution_id).where(mine))
    codes = [each for each in made if each.status in _REFUSED and each.code]
    counts = Counter(str(each.code) for each in codes)
    examples = {each: max(one.message or "" for one in codes if one.code == each) for each in counts}
    statuses = Counter(each.status for each in made)
    took = {name: [_ms(*marks) for each in made if (marks := _marks(each, name))] for name in _STEPS}
    slips = [slip for order in entries if (slip := _slipped(order)) is not None]
    return {
        "outcomes": sorted(statuses.items(), key=lambda each: (-each[1], each[0])),
        "refusals": [
            quality.Refusal(code, counts[code], examples[code])
            for code in sorted(counts, key=lambda code: (-counts[code], code))
        ],
        "steps": [
            quality.Step(name, len(ms), *(int(_nth(ms, share)) for share in (50, 90, 99)))
            for name, ms in took.items()
            if ms
        ],
        "latencies": _bars(took["total"], LATENCY_MS),
        "slippages": _bars(slips, SLIPPAGE_BPS),
    }


def _marks(execution: Execution, step: str) -> tuple[dt.datetime, dt.datetime] | None:
    begun = execution.rerun_at or execution.created_at
    moments = [begun, *(getattr(execution, name) for name in _MOMENTS)]
    place = _STEPS.index(step)
    start, end = (begun, execution.answered_at) if step == "total" else moments[place : place + 2]
    return (start, end) if start and end else None


def _ms(start: dt.datetime, end: dt.datetime) -> Decimal:
    return Decimal((end - start) // dt.timedelta(microseconds=1)) / 1000


def _nth(values: list[Decimal], percent: int) -> Decimal:
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def _bars(values: list[Decimal], ends: tuple[int, ...]) -> list[int]:
    places = Counter(sum(value > end for end in ends) for value in values)
    return [places[place] for place in range(len(ends) + 1)]


def _mine(scope: Scope, query: Any, model: Any) -> list[Any]:
    mine = query if scope.owner_id is None else query.where(model.owner_id == scope.owner_id)
    return list(db.session.scalars(mine))
