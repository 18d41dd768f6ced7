"""Many rows fast: one row of each kind through the models, the others as copies of it that differ where it
matters. They look like a year of work, most of it in the last hundred days: accounts of several owners,
fan-outs, positions that were closed, and about a hundredth of everything today.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from bench.page_templates import templates
from portal.db import Base, db
from portal.models import (
    Execution,
    ExecutionAnalytics,
    ExecutionConnection,
    ExecutionLog,
    ExecutionPosition,
    Notification,
    Order,
    Signal,
    TradingPreset,
    User,
)
from portal.services.reports import building

#: Days that lie between the first row and now.
DAYS = 365
#: How many days of work everything would be, had there always been as much as lately.
_BUSY = 100
#: Owners; the first is whose pages are looked at.
_OWNERS = 20


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything; `opened`: positions that are open."""

    accounts: int = 200
    executions: int = 100_000
    logs: int = 1_000_000
    notifications: int = 100_000
    opened: int = 200

    @property
    def reach(self) -> int:
        """Accounts that each signal reached."""
        return self.accounts // 2

    @property
    def signals(self) -> int:
        return self.executions // self.reach


@dataclass(frozen=True, slots=True)
class Filling:
    """SQL about the copy number `n.i`. A template has id 1, and copy i the id i + 1."""

    size: Size
    owner_id: int

    def put_all(self) -> None:
        """Everything, parents first."""
        self._people()
        self._trades()
        self._records()

    def _people(self) -> None:
        owner = f"{self.owner_id} + mod(n.i, {_OWNERS})"
        copy(TradingPreset, 9, name="'preset ' || n.i")
        copy(User, _OWNERS - 1, email="'owner' || n.i || '@example.com'", fs_uniquifier="md5(n.i::text)")
        copy(
            ExecutionConnection, self.size.accounts, user_id=owner,
            name="'account ' || n.i", uid="md5(n.i::text)", preset_id="mod(n.i, 10) + 1",
        )  # fmt: skip
        sent = self._ago("n.i", self.size.signals)
        copy(
            Signal, self.size.signals, published_at=sent, created_at=sent, publish_sequence="n.i + 1",
            is_published="true", source="(ARRAY['admin', 'webhook', 'api'])[mod(n.i, 3) + 1]",
        )  # fmt: skip

    def _trades(self) -> None:
        count, place = self.size.executions, self._place("n.i")
        made = place["at"]
        run = {name: place[name] for name in ("connection_id", "owner_id")}
        after = partial(_after, made)
        denied, ended = "mod(n.i, 7) = 0", f"n.i <= {count - self.size.opened}"
        copy(
            Execution, count, **run, signal_id=place["signal_id"], sequence=place["signal_id"],
            created_at=made, claimed_at=after(10), read_at=after(30), intended_at=after(40),
            answered_at=after(200), finished_at=after(210),
            status=f"CASE WHEN {denied} THEN 'denied' ELSE 'filled' END",
            code=f"CASE WHEN {denied} THEN 'SPREAD_TOO_WIDE' END",
        )  # fmt: skip
        copy(
            ExecutionPosition, count, **run, execution_id="n.i + 1", opened_at=made,
            status=f"CASE WHEN {ended} THEN 'closed' ELSE 'open' END",
            closed_at=f"CASE WHEN {ended} THEN {made} END", closed_reason=f"CASE WHEN {ended} THEN 'sl' END",
            realized_pnl=f"CASE WHEN {ended} THEN mod(n.i, 17) - 8 ELSE 0 END", fees="mod(n.i, 13) / 100.0",
            connection_name=f"'account ' || ({run['connection_id']} - 1)",
            symbol=f"'COIN' || mod({place['signal_id']}, 12) || '/USDT'",
            settle=f"CASE WHEN mod({place['signal_id']}, 20) = 0 THEN 'USDC' ELSE 'USDT' END",
        )  # fmt: skip
        copy(
            Order, count, execution_id="n.i + 1", position_id="n.i + 1", connection_id=run["connection_id"],
            sent_at=made, intent_key="'bench-' || n.i", client_order_id="md5(n.i::text)",
            average_price="t.average_price + mod(n.i, 61) - 30",
        )  # fmt: skip

    def _records(self) -> None:
        size = self.size
        of = f"((n.i - 1) / {max(size.logs // size.executions, 1)} + 1)"
        place = self._place(of)
        copy(
            ExecutionLog, size.logs, at=place["at"], connection_id=place["connection_id"],
            owner_id=place["owner_id"], execution_id=f"{of} + 1", position_id=f"{of} + 1",
        )  # fmt: skip
        copy(
            Notification, size.notifications, user_id=f"{self.owner_id} + mod(n.i, {_OWNERS})",
            created_at=self._ago("n.i", size.notifications), routed_at="now()",
            read_at=f"CASE WHEN n.i <= {size.notifications - 500} THEN now() END",
        )  # fmt: skip
        account = f"mod(n.i - 1, {size.accounts}) + 1"
        copy(
            ExecutionAnalytics, size.accounts * DAYS, connection_id=f"{account} + 1",
            owner_id=f"{self.owner_id} + mod({account}, {_OWNERS})",
            date=f"current_date - ((n.i - 1) / {size.accounts})::int - 1",
        )  # fmt: skip

    def _place(self, execution: str) -> dict[str, str]:
        """Signal, account, owner and moment of an execution by its number."""
        signal = f"(({execution} - 1) / {self.size.reach})"
        account = f"(mod({execution} - 1, {self.size.reach}) * 2 + mod({signal}, 2) + 1)"
        return {
            "signal_id": f"{signal} + 2",
            "connection_id": f"{account} + 1",
            "owner_id": f"{self.owner_id} + mod({account}, {_OWNERS})",
            "at": self._ago(f"{signal} + 1", self.size.signals),
        }

    @staticmethod
    def _ago(number: str, count: int) -> str:
        """The moment of number so-and-so of `count`; the last is now."""
        past = f"(({count} - ({number}))::float / {count})"
        return f"(now() - interval '1 day' * ({_BUSY} * {past} + {DAYS - _BUSY} * {past} ^ 9))"


def _after(moment: str, milliseconds: int) -> str:
    """So long after it, more or less."""
    return f"({moment} + interval '1 ms' * ({milliseconds} + mod(n.i * 7919, {milliseconds})))"


def fill(size: Size, owner: User) -> None:
    """Put `size` rows into an empty database; the pages of `owner`, who has some of everything, are the ones
    to look at. Commits."""
    owner_id = owner.id
    templates(owner)
    # Five foreign keys of a million rows would be looked up one by one; the numbers are right as made.
    db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    db.session.execute(sa.text("SET LOCAL statement_timeout = 0"))
    Filling(size, owner_id).put_all()
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.text("SET statement_timeout = 0"))
        link.execute(sa.text("VACUUM ANALYZE"))
        link.invalidate()  # not back into the pool without its limit
    building.build()  # as every night


def copy(model: type[Base], count: int, **differing: str) -> None:
    """Add `count` copies of the newest row of a table, with these columns as SQL says."""
    table: Any = model.__table__
    newest = db.session.execute(sa.select(sa.func.max(table.c.id))).scalar_one()
    values = {column.name: f"t.{column.name}" for column in table.columns} | differing | {"id": "t.id + n.i"}
    columns, wanted = ", ".join(values), ", ".join(values.values())
    source = f"{table.name} t, generate_series(1, {count}) n (i)"
    # All of it is written in this file.
    statement = f"INSERT INTO {table.name} ({columns}) SELECT {wanted} FROM {source} WHERE t.id = {newest}"  # noqa: S608
    db.session.execute(sa.DDL(statement))  # type: ignore[no-untyped-call]
