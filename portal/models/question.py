"""What a venue was asked about an order in doubt, and what it answered. Rows are only ever added."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, JsonDict, enum_type, utcnow
from portal.models.base import IntPk, foreign_key
from portal.trading.types import Answer, QuestionKind


class OrderQuestion(Base):
    __tablename__ = "order_questions"
    __table_args__ = (sa.Index("ix_order_questions_order", "order_id", "id"),)

    id: Mapped[IntPk]
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"))
    kind: Mapped[QuestionKind] = mapped_column(enum_type(QuestionKind), default=QuestionKind.ASK)
    answer: Mapped[Answer] = mapped_column(enum_type(Answer))
    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: Who wanted it; empty = Portico by itself.
    asked_by: Mapped[str] = mapped_column(default="")
    asked_by_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    #: The venue's id: of the order that was found, or that is to be adopted.
    exchange_order_id: Mapped[str | None]
    #: Kinds of endpoint that answered and did not have it.
    absent_from: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    #: Not found, and late enough to count as proof.
    counted: Mapped[bool] = mapped_column(default=False)
    #: Why there was no answer, scrubbed.
    code: Mapped[str | None]
    message: Mapped[str] = mapped_column(default="")
    duration_ms: Mapped[int | None]
    #: Orders of the venue's that it could be, as objects; money as strings.
    listed: Mapped[list[JsonDict]] = mapped_column(JSONB, default=list)
