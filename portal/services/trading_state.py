"""The switches that stop trading. The most restrictive of all that match counts; asking takes one query."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, transaction, utcnow
from portal.errors import NotFoundError, ValidationError
from portal.models import ExecutionConnection, TradingState, User
from portal.models.trading_state import SCOPES
from portal.services import audit, notifications
from portal.trading.types import NotificationType, TradingStateValue

EVERYTHING = "everything"
#: True in SQL for the switches that `about` describes.
MATCHING = sa.tuple_(TradingState.scope, TradingState.key).in_(
    [
        sa.tuple_(sa.literal(EVERYTHING), sa.literal("")),
        *(
            sa.tuple_(sa.literal(scope), sa.bindparam(f"state_{name}", type_=sa.Text))
            for scope, name in (
                ("exchange", "exchange"),
                ("connection", "connection"),
                ("user", "user"),
                ("symbol", "symbol"),
                ("symbol", "pair"),
            )
        ),
    ]
)
_WORDS = {
    TradingStateValue.ACTIVE: "trades again",
    TradingStateValue.REDUCING: "is reduced: exits pass, entries are denied",
    TradingStateValue.HALTED: "is halted: no order is placed but the exits of open positions",
}


def parse_scope(text: str) -> tuple[str, str]:
    """`everything`, or `SCOPE:KEY` such as `exchange:bybit`, `connection:12`, `user:alice@example.com`,
    `symbol:BTC/USDT`, as (scope, key). Raises ValidationError; whether the key exists is not looked up."""
    scope, separator, key = text.strip().partition(":")
    scope, key = scope.strip().lower(), key.strip()
    if scope not in SCOPES:
        raise ValidationError({"scope": f"must be one of {', '.join(SCOPES)}, was {scope!r}"})
    if scope == EVERYTHING and separator:
        raise ValidationError({"scope": "everything takes no key"})
    if scope != EVERYTHING and not key:
        raise ValidationError({"scope": f"{scope} needs a key: {scope}:…"})
    return scope, key


def set_state(
    scope: str, key: str, value: TradingStateValue, reason: str = "", *, actor: audit.Actor
) -> TradingState:
    """Set one switch, tell the people concerned, and write who did it. Commits.

    Raises ValidationError for a scope or key that cannot be meant and NotFoundError for an unknown user or
    connection. A repeat keeps the state, and writes another entry.
    """
    with transaction() as session:
        state_id = _write(scope, canonical_key(scope, key), value, reason, actor)
        return session.get_one(TradingState, state_id, populate_existing=True)


def halt_within(scope: str, key: str, reason: str) -> None:
    """Halt because the system itself saw a reason, tell the people concerned, and write it down. Joins the
    caller's transaction; nothing happens when that switch is halted already. Resuming is up to a person."""
    _write(scope, key, TradingStateValue.HALTED, reason, audit.SYSTEM, TradingState.state != "halted")


def reduce_within(scope: str, key: str, reason: str, *, actor: audit.Actor) -> None:
    """Deny entries in a scope in which trading is active; a stricter switch stays as it is. Joins the
    caller's transaction. Raises as `set_state`. Resuming is up to a person."""
    reducing = TradingStateValue.REDUCING
    active = TradingState.state == TradingStateValue.ACTIVE
    _write(scope, canonical_key(scope, key), reducing, reason, actor, active)


def resumed_at(connection: ExecutionConnection) -> datetime | None:
    """When somebody last switched trading on again for this connection, its owner or everything. Reads
    only."""
    scopes = [(EVERYTHING, ""), ("connection", str(connection.id)), ("user", str(connection.owner_id))]
    return db.session.execute(
        sa.select(sa.func.max(TradingState.set_at)).where(
            sa.tuple_(TradingState.scope, TradingState.key).in_(scopes),
            TradingState.state == TradingStateValue.ACTIVE,
        )
    ).scalar_one()


def _write(
    scope: str,
    key: str,
    value: TradingStateValue,
    reason: str,
    actor: audit.Actor,
    only_if: sa.ColumnElement[bool] | None = None,
) -> int | None:
    """The switch, its audit entry and its notifications. None: it was left as it was. Does not commit."""
    row = {
        "state": value,
        "reason": reason.strip(),
        "set_by": actor.email if isinstance(actor, User) else str(actor),
        "set_at": utcnow(),
    }
    statement = insert(TradingState).values(scope=scope, key=key, **row)
    upsert = statement.on_conflict_do_update(index_elements=["scope", "key"], set_=row, where=only_if)
    state_id: int | None = db.session.execute(upsert.returning(TradingState.id)).scalar_one_or_none()
    if state_id is not None:
        audit.record(
            actor, "portal.trading_state.set", "trading_state", state_id,
            scope=scope, key=key, state=value.value, reason=row["reason"],
        )  # fmt: skip
        _tell(scope, key, value, reason)
    return state_id


def effective(connection: ExecutionConnection, symbol: str) -> TradingStateValue:
    """The most restrictive state that matches this connection and symbol. One query, in whatever transaction
    the caller has; changes nothing.

    A switch for `BTC/USDT` also stops `BTC/USDT:USDT`, because people mean the pair.
    """
    found = db.session.execute(sa.select(TradingState.state).where(MATCHING), about(connection, symbol))
    return strictest(found.scalars())


def about(connection: ExecutionConnection, symbol: str) -> dict[str, str]:
    """The parameters of `MATCHING` for this connection and symbol."""
    return {
        "state_exchange": connection.exchange_name,
        "state_connection": str(connection.id),
        "state_user": str(connection.owner_id),
        "state_symbol": symbol,
        "state_pair": symbol.partition(":")[0],
    }


def strictest(found: Iterable[TradingStateValue]) -> TradingStateValue:
    """The most restrictive of these states; active when there is none."""
    states = set(found)
    for state in (TradingStateValue.HALTED, TradingStateValue.REDUCING):
        if state in states:
            return state
    return TradingStateValue.ACTIVE


def restrictions() -> dict[str, str]:
    """Every switch that is not active, spelled as `parse_scope` reads it, with its state. Reads only."""
    rows = db.session.execute(
        sa.select(TradingState)
        .where(TradingState.state != TradingStateValue.ACTIVE)
        .order_by(TradingState.id)
    ).scalars()
    return {spell(row.scope, row.key): row.state.value for row in rows}


def restricting(symbol: str) -> list[TradingState]:
    """The first switches that are not active and may concern an entry on `symbol`. Reads only."""
    about_it = sa.or_(TradingState.scope != "symbol", TradingState.key == symbol.partition(":")[0])
    stopped = sa.select(TradingState).where(TradingState.state != TradingStateValue.ACTIVE, about_it)
    return list(db.session.scalars(stopped.order_by(TradingState.id).limit(10)))


def named(scope: str, key: str) -> str:
    """Whom a switch is about, for people: addresses and names instead of numbers. Reads only."""
    if scope == "user" and (user := db.session.get(User, int(key))) is not None:
        key = user.email
    elif scope == "connection" and (connection := db.session.get(ExecutionConnection, int(key))) is not None:
        key = connection.name
    return f"{scope.capitalize()} {key}".rstrip()


def spell(scope: str, key: str) -> str:
    """The opposite of `parse_scope`."""
    return f"{scope}:{key}" if key else scope


def canonical_key(scope: str, key: str) -> str:
    """The key as switches store it: the number of a user or connection, names in their usual case. Reads
    only. Raises ValidationError for a scope or key that cannot be meant and NotFoundError for an unknown user
    or connection."""
    if scope not in SCOPES:
        raise ValidationError({"scope": f"must be one of {', '.join(SCOPES)}, was {scope!r}"})
    key = key.strip()
    if (scope == EVERYTHING) == bool(key):
        reason = "everything takes no key" if key else f"{scope} needs a key"
        raise ValidationError({"key": reason})
    if scope in ("user", "connection"):
        return str(_row_of(scope, key).id)
    if scope == "exchange":
        return key.lower()
    if scope == "symbol":
        if "/" not in key:
            raise ValidationError({"key": f"must be a symbol such as BTC/USDT, was {key!r}"})
        return key.upper()
    return ""


def _row_of(scope: str, key: str) -> User | ExecutionConnection:
    row: User | ExecutionConnection | None = None
    number = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else None
    if scope == "connection":
        row = db.session.get(ExecutionConnection, number) if number is not None else None
    elif number is not None:
        row = db.session.get(User, number)
    else:
        row = db.session.execute(sa.select(User).where(User.email == key.lower())).scalar_one_or_none()
    if row is None:
        raise NotFoundError(f"There is no {scope} {key}; nothing was changed.")
    return row


def _tell(scope: str, key: str, value: TradingStateValue, reason: str) -> None:
    title, body = f"{named(scope, key)} {_WORDS[value]}", reason.strip()
    notifications.notify(NotificationType.HALT, title, body)
    if scope == "user":
        notifications.notify(NotificationType.HALT, title, body, user_id=int(key))
    elif scope == "connection":
        connection = db.session.get_one(ExecutionConnection, int(key))
        if connection.owner_id is not None:
            notifications.notify(
                NotificationType.HALT, f"{connection.name} {_WORDS[value]}", body, connection=connection
            )
