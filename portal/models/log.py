"""What was attempted on a connection, step by step. Rows are only ever added."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, JsonDict, utcnow
from portal.models.base import IntPk, foreign_key


class ExecutionLog(Base):
    __tablename__ = "execution_logs"
    __table_args__ = (sa.Index("ix_execution_logs_owner", "owner_id", "id"),)

    id: Mapped[IntPk]
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"), index=True)
    owner_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    execution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("executions.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(sa.ForeignKey("orders.id"), index=True)
    position_id: Mapped[int | None] = mapped_column(sa.ForeignKey("execution_positions.id"), index=True)
    #: What happened, one word: `denied`, `placed`, `rejected`, `unresolved`, `resolved`, `filled`, `closed`…
    event: Mapped[str]
    #: The same for people, scrubbed.
    message: Mapped[str]
    #: How long the step took.
    duration_ms: Mapped[int | None]
    #: What came back, scrubbed; money as strings.
    data: Mapped[JsonDict] = mapped_column(JSONB, default=dict)
