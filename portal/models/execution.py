"""One signal on one connection: the truth that every queue entry only hints at."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.connection import ExecutionConnection
from portal.models.signal import Signal
from portal.trading.types import ExecutionStatus, Side, SignalAction

#: Not finished: these block later signals on the same (connection, symbol) and interest the sweeper.
UNSETTLED = (ExecutionStatus.PENDING, ExecutionStatus.IN_FLIGHT, ExecutionStatus.UNRESOLVED)


class Execution(Timestamps, Base):
    __tablename__ = "executions"
    __table_args__ = (
        sa.UniqueConstraint("signal_id", "connection_id"),
        sa.Index(
            "ix_executions_unsettled",
            "connection_id",
            "lane",
            "sequence",
            postgresql_where=sa.text("status IN ('pending', 'in_flight', 'unresolved')"),
        ),
        sa.Index("ix_executions_owner", "owner_id", "id"),
        sa.Index("ix_executions_created_at", "created_at"),
    )

    id: Mapped[IntPk]
    signal_id: Mapped[int | None] = mapped_column(foreign_key("signals.id"))
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"), index=True)
    #: Whose account it was, also after the connection is gone.
    owner_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    #: The connection's name at the time.
    connection_name: Mapped[str]
    currency_pair: Mapped[str]
    #: The pair without its settlement currency: executions of one lane on one connection keep their order.
    lane: Mapped[str]
    direction: Mapped[Side] = mapped_column(enum_type(Side))
    action: Mapped[SignalAction] = mapped_column(enum_type(SignalAction))
    #: The signal's place in the order of publication.
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[ExecutionStatus] = mapped_column(
        enum_type(ExecutionStatus), default=ExecutionStatus.PENDING
    )
    #: Who works on it; every later write compares it.
    claim_token: Mapped[str | None]
    #: Until when the claim holds; afterwards the sweeper may give it to somebody else.
    lease_until: Mapped[datetime | None]
    #: Attempts that were refused before processing (rate limit, clock).
    attempts: Mapped[int] = mapped_column(default=0)
    #: Not before this moment, after such a refusal.
    next_attempt_at: Mapped[datetime | None]
    #: Number of orders tried for this intent; a new one only after proof that the last was not placed.
    generation: Mapped[int] = mapped_column(default=0)
    #: Denial or rejection code.
    code: Mapped[str | None]
    #: The sentence that says what to change.
    message: Mapped[str | None]
    #: When a person last let it run again; its steps count from there.
    rerun_at: Mapped[datetime | None]
    #: When the claim that led to the outcome was taken.
    claimed_at: Mapped[datetime | None]
    #: When balances and prices had been read.
    read_at: Mapped[datetime | None]
    #: When the intent was committed.
    intended_at: Mapped[datetime | None]
    #: When the venue had answered.
    answered_at: Mapped[datetime | None]
    #: When the outcome was recorded.
    finished_at: Mapped[datetime | None]

    signal: Mapped[Signal | None] = relationship()
    connection: Mapped[ExecutionConnection | None] = relationship()

    def took_ms(self) -> int | None:
        """Milliseconds from the commit to the outcome, also where the exchange's answer was lost; as far as
        it is, before that."""
        if self.answered_at is None and self.finished_at is not None:
            return int((self.finished_at - (self.rerun_at or self.created_at)).total_seconds() * 1000)
        return sum(self.steps_ms().values()) or None

    def steps_ms(self) -> dict[str, int]:
        """Milliseconds of each step: queue (commit to claim), read, plan (to the committed intent), place,
        record."""
        marks = [
            ("queue", self.rerun_at or self.created_at, self.claimed_at),
            ("read", self.claimed_at, self.read_at),
            ("plan", self.read_at, self.intended_at),
            ("place", self.intended_at, self.answered_at),
            ("record", self.answered_at, self.finished_at),
        ]
        steps = {}
        for name, start, end in marks:
            if start is not None and end is not None:
                steps[name] = int((end - start).total_seconds() * 1000)
        return steps
