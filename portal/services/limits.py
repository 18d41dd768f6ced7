"""The limits that the last gate asks about, counted from order rows. The caller holds the connection's row
lock, so that what is counted cannot change before the new order is in."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import current_app

from portal.config import Settings
from portal.db import db, spelled, utcnow
from portal.models import Execution, ExecutionConnection, Order, Signal
from portal.models.order import CUT_SHORT, NEVER_THERE
from portal.services import trading_state
from portal.services.daily_loss import day_start
from portal.trading import limits
from portal.trading.denials import Denial
from portal.trading.fields import FieldError
from portal.trading.planning import EntryPlan
from portal.trading.types import OrderRole, SignalAction

_MINUTE = timedelta(minutes=1)


def _entries() -> tuple[sa.ColumnElement[bool], ...]:
    since: Any = sa.bindparam("since")
    connection_id: Any = sa.bindparam("connection_id")
    return (
        Order.connection_id == connection_id,
        Order.role.in_(spelled(OrderRole.ENTRY)),
        Order.sent_at > since,
    )


def _recent() -> sa.Select[Any]:
    """Entries of the connection, of the symbol, and signals of anybody: a cheap look first."""
    since: Any = sa.bindparam("since")
    signals = sa.select(sa.func.count()).where(Signal.published_at > since).scalar_subquery()
    each = sa.distinct(Order.execution_id)
    return sa.select(
        sa.func.count(each), sa.func.count(each).filter(Order.symbol == sa.bindparam("symbol")), signals
    ).where(*_entries())


def _spent() -> sa.Select[Any]:
    """What today's entries in one quote currency are worth: what never existed is nothing, what ended early
    is what was filled of it, and everything else is all of it."""
    filled = Order.notional * Order.filled_quantity / Order.quantity
    worth = sa.case(
        (Order.state.in_(spelled(*NEVER_THERE)), 0), (Order.state.in_(spelled(*CUT_SHORT)), filled),
        else_=Order.notional,
    )  # fmt: skip
    quote = sa.func.split_part(sa.func.split_part(Order.symbol, ":", 1), "/", 2)
    return sa.select(sa.func.coalesce(sa.func.sum(worth), 0)).where(
        *_entries(), quote == sa.bindparam("quote")
    )


_RECENT, _SPENT = _recent(), _spent()


def notional_denial(connection: ExecutionConnection, plan: EntryPlan) -> Denial | None:
    """Why this order, or the day with it, would be worth too much. Reads only."""
    per_order, per_day = limits_of(connection)
    currency = plan.instrument.quote
    denial = limits.order_denial(plan.notional, per_order, currency)
    if denial is not None or per_day is None:
        return denial
    asked = {"connection_id": connection.id, "since": day_start(utcnow()), "quote": currency}
    spent = Decimal(db.session.execute(_SPENT, asked).scalar_one())
    return limits.day_denial(plan.notional, spent, per_day, currency)


def limits_of(connection: ExecutionConnection) -> tuple[Decimal | None, Decimal | None]:
    """Per order and per day: the lower of what the installation and the connection say. A connection whose
    own limit cannot be read may place nothing."""
    settings: Settings = current_app.extensions["portal_settings"]
    try:
        own = limits.read_limits(connection.settings or {})
    except FieldError:
        return Decimal(0), Decimal(0)
    return (
        limits.lowest(settings.max_order_notional, own.get(limits.ORDER)),
        limits.lowest(settings.max_daily_notional, own.get(limits.DAY)),
    )


def runaway_denial(execution: Execution, connection: ExecutionConnection, symbol: str) -> Denial | None:
    """A loop is assumed: denied, and trading is halted there in the caller's transaction."""
    found = _runaway(connection, symbol, execution.sequence)
    if found is None:
        return None
    denial, where = found
    scope, _, key = where.partition(":")
    trading_state.halt_within(scope, key, denial.message)
    return denial


def runaway_preview(connection: ExecutionConnection, symbol: str) -> Denial | None:
    """Whether one more entry now would be taken for a loop. Halts nothing; reads only."""
    found = _runaway(connection, symbol, None)
    return None if found is None else found[0]


def _runaway(connection: ExecutionConnection, symbol: str, sequence: int | None) -> tuple[Denial, str] | None:
    """The denial and what is to be halted. `sequence` is the signal's; None for one not published yet."""
    settings: Settings = current_app.extensions["portal_settings"]
    limit = settings.runaway_entries_per_minute
    since = utcnow() - _MINUTE
    asked = {"connection_id": connection.id, "since": since, "symbol": symbol}
    entries, here, signals = db.session.execute(_RECENT, asked).one()
    if entries < limit and here < _on_symbol(limit) and signals <= _to_owner(limit):
        return None
    resumed = trading_state.resumed_at(connection)
    asked["since"] = max(since, resumed) if resumed is not None else since
    return limits.runaway_denial(_counts(sequence, connection, asked, limit))


def _counts(
    sequence: int | None, connection: ExecutionConnection, asked: dict[str, Any], limit: int
) -> Iterator[tuple[str, str, int, int]]:
    """(scope, what, count with this one, limit), exactly, since trading was last resumed."""
    entries, here, signals = db.session.execute(_RECENT, asked).one()
    mine = trading_state.spell("connection", str(connection.id))
    yield mine, "entries", entries + 1, limit
    yield mine, f"entries on {asked['symbol']}", here + 1, _on_symbol(limit)
    if signals > _to_owner(limit) and connection.owner_id is not None:
        owner = trading_state.spell("user", str(connection.owner_id))
        reached = _signals_to_owner(sequence, connection, asked)
        yield owner, "signals to one user", reached, _to_owner(limit)


def _signals_to_owner(sequence: int | None, connection: ExecutionConnection, asked: dict[str, Any]) -> int:
    """Signals up to this one that reached any connection of its owner: rows that do not change, so nothing
    needs to be locked. One signal to a thousand accounts is one."""
    reached = sa.exists().where(Execution.signal_id == Signal.id, Execution.owner_id == connection.owner_id)
    up_to_this = [Signal.publish_sequence <= sequence] if sequence is not None else []
    counted = db.session.execute(
        sa.select(sa.func.count()).where(
            Signal.published_at > asked["since"],
            *up_to_this,
            Signal.action == SignalAction.OPEN,
            reached,
        )
    ).scalar_one()
    return counted if sequence is not None else counted + 1


def _on_symbol(limit: int) -> int:
    """On one symbol signals run one after another: half as many are a loop already."""
    return max(1, limit // 2)


def _to_owner(limit: int) -> int:
    """A user's connections may follow different plans: together they may see more signals than each."""
    return limit * 2
