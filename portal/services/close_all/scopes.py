"""Whose positions and orders are meant: everything, or those of one exchange, account, symbol, person or
signal. Reads only."""

from dataclasses import dataclass

import sqlalchemy as sa

from portal.db import db
from portal.errors import NotFoundError, ValidationError
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Order, Signal, User
from portal.services import trading_state

SCOPES = ("everything", "exchange", "connection", "symbol", "user", "signal")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose positions are meant. `key` as switches store it."""

    name: str
    key: str
    #: In words, to follow "every open position".
    label: str

    @property
    def text(self) -> str:
        """As `find` reads it."""
        return trading_state.spell(self.name, self.key)

    @property
    def has_switch(self) -> bool:
        """Whether entries can be denied in this scope."""
        return self.name != "signal"


def find(text: str) -> Scope:
    """`everything`, `exchange:bybit`, `connection:12`, `symbol:BTC/USDT`, `user:alice@example.com` (or its
    number) or `signal:5`. Raises ValidationError, and NotFoundError for what does not exist. Reads only."""
    name, _, key = text.strip().partition(":")
    if name.strip().lower() == "signal":
        signal = _signal(key.strip())
        what = f"{signal.direction} {signal.currency_pair}"
        return Scope("signal", str(signal.id), f"from signal #{signal.id} ({what})")
    if name.strip().lower() not in SCOPES:
        raise ValidationError({"scope": f"must be one of {', '.join(SCOPES)}, was {name.strip()[:40]!r}"})
    scope, given = trading_state.parse_scope(text)
    key = trading_state.canonical_key(scope, given)
    return Scope(scope, key, _label(scope, key))


def of_positions(scope: Scope) -> sa.ColumnElement[bool]:
    """True in SQL for positions of `scope`, open or not."""
    if scope.name == "user":
        return ExecutionPosition.owner_id == int(scope.key)
    return _within(scope, ExecutionPosition)


def of_orders(scope: Scope) -> sa.ColumnElement[bool]:
    """True in SQL for orders of `scope`."""
    if scope.name == "user":
        return Order.execution_id.in_(sa.select(Execution.id).where(Execution.owner_id == int(scope.key)))
    return _within(scope, Order)


def _within(scope: Scope, table: type[ExecutionPosition | Order]) -> sa.ColumnElement[bool]:
    match scope.name:
        case "everything":
            return sa.true()
        case "exchange":
            # A position's own name is where its price is read, which may be elsewhere.
            there = sa.select(ExecutionConnection.id).where(ExecutionConnection.exchange_name == scope.key)
            return table.connection_id.in_(there)
        case "connection":
            return table.connection_id == int(scope.key)
        case "signal":
            mine = sa.select(Execution.id).where(Execution.signal_id == int(scope.key))
            return table.execution_id.in_(mine)
    return sa.or_(table.symbol == scope.key, sa.func.split_part(table.symbol, ":", 1) == scope.key)


def _signal(key: str) -> Signal:
    number = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else None
    signal = db.session.get(Signal, number) if number is not None else None
    if signal is None:
        raise NotFoundError(f"There is no signal {key[:40]}; nothing was changed.")
    return signal


def _label(scope: str, key: str) -> str:
    if scope == "connection":
        connection = db.session.get_one(ExecutionConnection, int(key))
        return f"on {connection.name} ({connection.exchange_name})"
    if scope == "user":
        return f"of {db.session.get_one(User, int(key)).email}"
    return {"everything": "everywhere", "exchange": f"at {key}"}.get(scope, f"in {key}")
