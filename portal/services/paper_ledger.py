"""The ledger of paper accounts, in tables. It stands for a venue, so it has sessions of its own and never
joins a caller's transaction; jobs and notifications are none of its business.

One row lock per account: what one worker does there is done before the next one looks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.db import Base, utcnow
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper.account import LIVE, PaperAccount, PaperFill, PaperOrder, PaperPosition
from portal.models.paper import (
    PaperAccountRow,
    PaperBalanceRow,
    PaperFillRow,
    PaperOrderRow,
    PaperPositionRow,
)

T = TypeVar("T", PaperOrder, PaperPosition, PaperFill)


class PaperTables:
    """The ledger of one connection's paper account (`portal.exchanges.paper.ledger.PaperLedger`)."""

    def __init__(self, engine: sa.Engine, connection_id: int) -> None:
        self._engine = engine
        self._connection_id = connection_id

    @contextmanager
    def locked(self, opening: Mapping[str, Decimal]) -> Iterator["OpenTables"]:
        """The account, locked until the block ends; then one commit, or none when the block raises."""
        with _translated(), Session(self._engine) as session, session.begin():
            ledger = OpenTables(session, self._lock(session, opening))
            yield ledger
            ledger.keep()

    def live_symbols(self) -> Sequence[str]:
        """Markets in which something rests, as last committed. Waits for nobody; may be repeated."""
        wanted = (
            sa.select(PaperOrderRow.symbol)
            .join(PaperAccountRow, PaperAccountRow.id == PaperOrderRow.account_id)
            .where(PaperAccountRow.connection_id == self._connection_id, PaperOrderRow.state.in_(LIVE))
            .distinct()
            .order_by(PaperOrderRow.symbol)
        )
        with _translated(), Session(self._engine) as session:
            return list(session.execute(wanted).scalars())

    def _lock(self, session: Session, opening: Mapping[str, Decimal]) -> PaperAccountRow:
        mine = sa.select(PaperAccountRow).where(PaperAccountRow.connection_id == self._connection_id)
        found = session.execute(mine.with_for_update()).scalar_one_or_none()
        if found is not None:
            return found
        now = utcnow()
        new = {"position_mode": "one_way", "last_number": 0, "created_at": now, "updated_at": now}
        made = session.execute(
            insert(PaperAccountRow)
            .values(connection_id=self._connection_id, **new)
            .on_conflict_do_nothing()
            .returning(PaperAccountRow.id)
        ).scalar_one_or_none()
        if made is not None:
            session.add_all(
                PaperBalanceRow(account_id=made, currency=currency, total=total)
                for currency, total in opening.items()
            )
            session.flush()
        # Somebody else may have opened it a moment ago; then the lock waits for them.
        return session.execute(mine.with_for_update()).scalar_one()


class OpenTables:
    """The account as loaded, and the rows that it was loaded from. For the thread that holds the lock."""

    def __init__(self, session: Session, row: PaperAccountRow) -> None:
        self._session = session
        self._row = row
        self._orders = {
            each.number: each for each in self._rows(PaperOrderRow, PaperOrderRow.state.in_(LIVE))
        }
        self._positions = {(each.symbol, each.bucket): each for each in self._rows(PaperPositionRow)}
        self._balances = {each.currency: each for each in self._rows(PaperBalanceRow)}
        self._kept_fills = 0
        self._account = PaperAccount(
            balances={currency: each.total for currency, each in sorted(self._balances.items())},
            position_mode=row.position_mode,
            last_number=row.last_number,
            orders={number: _read(PaperOrder, each) for number, each in self._orders.items()},
            positions={key: _read(PaperPosition, each) for key, each in self._positions.items()},
        )

    @property
    def account(self) -> PaperAccount:
        return self._account

    def order(self, client_order_id: str | None, number: int | None) -> PaperOrder | None:
        """By number, else by our id; ended ones included."""
        for order in self._account.orders.values():
            if order.number == number or (number is None and order.client_order_id == client_order_id):
                return order
        column = PaperOrderRow.client_order_id if number is None else PaperOrderRow.number
        wanted = client_order_id if number is None else number
        found = self._rows(PaperOrderRow, column == wanted)
        return _read(PaperOrder, found[0]) if found else None

    def fills(self, symbol: str, since: datetime, number: int | None) -> Sequence[PaperFill]:
        """Oldest first, those of this block included."""
        self.keep()
        row = PaperFillRow
        wanted = [row.symbol == symbol, row.filled_at >= since]
        if number is not None:
            wanted.append(row.order_number == number)
        return [_read(PaperFill, each) for each in self._rows(row, *wanted)]

    def keep(self) -> None:
        """Write what has changed into the open transaction. May be repeated."""
        account, row = self._account, self._row
        row.position_mode, row.last_number = account.position_mode, account.last_number
        for currency, total in account.balances.items():
            self._write(PaperBalanceRow, self._balances, currency, {"currency": currency, "total": total})
        for number, order in account.orders.items():
            self._write(PaperOrderRow, self._orders, number, _values(order))
        for key, position in account.positions.items():
            self._write(PaperPositionRow, self._positions, key, _values(position))
        for fill in account.fills[self._kept_fills :]:
            self._session.add(PaperFillRow(account_id=row.id, **_values(fill)))
        self._kept_fills = len(account.fills)
        self._session.flush()

    def _rows(self, model: Any, *wanted: sa.ColumnElement[bool]) -> list[Any]:
        found = sa.select(model).where(model.account_id == self._row.id, *wanted).order_by(model.id)
        return list(self._session.execute(found).scalars())

    def _write(self, model: type[Base], known: dict[Any, Any], key: object, values: dict[str, Any]) -> None:
        row = known.get(key)
        if row is None:
            known[key] = row = model(account_id=self._row.id, **values)
            self._session.add(row)
            return
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)


def _read(kind: type[T], row: Any) -> T:
    """The plain object of a row: same names, no session."""
    return kind(**{each.name: getattr(row, each.name) for each in fields(kind)})


def _values(item: PaperOrder | PaperPosition | PaperFill) -> dict[str, Any]:
    return {each.name: getattr(item, each.name) for each in fields(item)}


@contextmanager
def _translated() -> Iterator[None]:
    """A database that fails leaves the outcome open: the commit may have been carried out."""
    try:
        yield
    except SQLAlchemyError as error:
        raise ExchangeError(
            ErrorCode.UNAVAILABLE,
            "The ledger of the paper account did not answer.",
            outcome=Outcome.UNKNOWN,
        ) from error
