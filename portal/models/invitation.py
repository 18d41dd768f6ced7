"""Invitations: how somebody who has no account sets the first password. Only a hash of the link is stored."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.shown_once import ShownOnce


class Invitation(ShownOnce, Timestamps, Base):
    __tablename__ = "invitations"

    id: Mapped[IntPk]
    #: Who is invited; becomes the login name.
    email: Mapped[str] = mapped_column(index=True)
    #: `admin` or `trader`: what the account will be.
    role: Mapped[str]
    #: SHA-256 of the link's token; the token itself has 256 random bits.
    token_hash: Mapped[str] = mapped_column(unique=True)
    #: The administrator who invited.
    invited_by_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    #: From then on the link is worth nothing.
    expires_at: Mapped[datetime]
    #: When the password was set; a link works once.
    accepted_at: Mapped[datetime | None]
    #: Whose account it became.
    user_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    #: When it was taken back.
    withdrawn_at: Mapped[datetime | None]
