"""API tokens: what machines log in with. Only a hash is stored."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.shown_once import ShownOnce
from portal.models.user import User

SCOPES = ("signals:write", "read", "positions:write")


class ApiToken(ShownOnce, Timestamps, Base):
    __tablename__ = "api_tokens"
    beginning = "ptc_"

    id: Mapped[IntPk]
    #: Whose rights the token has, at most.
    user_id: Mapped[int] = mapped_column(foreign_key("users.id", cascade=True), index=True)
    #: What the token is for, in the owner's words.
    name: Mapped[str] = mapped_column(default="")
    #: SHA-256 of the token; the token itself has 256 random bits.
    token_hash: Mapped[str] = mapped_column(unique=True)
    #: First characters, to tell tokens apart in a list.
    prefix: Mapped[str]
    #: What it may be used for (`SCOPES`).
    scopes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    #: When it was used last, to within a minute.
    last_used_at: Mapped[datetime | None]
    #: Set once; a revoked token never works again.
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")
