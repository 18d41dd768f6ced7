"""Somebody's wish that everything open in a scope be closed: what it meant, and for whom to read later."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, utcnow
from portal.models.base import IntPk, foreign_key


class CloseWish(Base):
    __tablename__ = "close_wishes"
    __table_args__ = (
        sa.Index("ix_close_wishes_unfinished", "id", postgresql_where=sa.text("asked_all_at IS NULL")),
    )

    id: Mapped[IntPk]
    #: Made with the form: whoever sends it twice means one wish.
    form_key: Mapped[str] = mapped_column(unique=True)
    #: `everything`, `exchange`, `connection`, `symbol`, `user` or `signal`.
    scope: Mapped[str]
    #: Which one; empty for `everything`.
    key: Mapped[str] = mapped_column(default="")
    #: The scope in words, as it was then.
    label: Mapped[str]
    #: New entries in the scope were denied first.
    denies_entries: Mapped[bool] = mapped_column(default=False)
    asked_by: Mapped[str]
    asked_by_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: What was open in the scope; empty until it was looked up.
    position_ids: Mapped[list[int] | None] = mapped_column(ARRAY(sa.BigInteger))
    #: When a close had been asked for each of them.
    asked_all_at: Mapped[datetime | None]
