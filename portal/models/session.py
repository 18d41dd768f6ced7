"""Logins that go on: one row per browser, so that each can be seen and ended. The cookie's secret is stored
as a hash only."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.shown_once import ShownOnce
from portal.models.user import User


class UserSession(ShownOnce, Timestamps, Base):
    __tablename__ = "user_sessions"

    id: Mapped[IntPk]
    #: Who is logged in.
    user_id: Mapped[int] = mapped_column(foreign_key("users.id", cascade=True), index=True)
    #: SHA-256 of the identity in the cookie; the identity itself has 256 random bits.
    token_hash: Mapped[str] = mapped_column(unique=True)
    #: The user's `fs_uniquifier` at login: whatever changes it ends the session too.
    generation: Mapped[str]
    #: When something was asked for last, to within a minute.
    last_seen_at: Mapped[datetime]
    #: Where the login came from.
    address: Mapped[str] = mapped_column(default="")
    #: The browser in words, such as `Firefox on Linux`.
    browser: Mapped[str] = mapped_column(default="")
    #: Set once: logged out, ended from another session, or by an administrator.
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")
