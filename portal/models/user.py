"""People, and what they may do. Field names are those that Flask-Security expects."""

from datetime import datetime

import sqlalchemy as sa
from flask_security.core import RoleMixin, UserMixin
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key

ADMIN = "admin"
TRADER = "trader"

users_roles = sa.Table(
    "users_roles",
    Base.metadata,
    sa.Column("user_id", foreign_key("users.id", cascade=True), primary_key=True),
    sa.Column("role_id", foreign_key("roles.id", cascade=True), primary_key=True),
)


class Role(Base, RoleMixin):
    __tablename__ = "roles"

    id: Mapped[IntPk]
    #: `admin` or `trader`.
    name: Mapped[str] = mapped_column(unique=True)
    #: What the role is for, in words.
    description: Mapped[str | None]
    #: Unused by Portico; Flask-Security reads it.
    permissions: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(ARRAY(sa.Text)))


class User(Timestamps, Base, UserMixin):
    __tablename__ = "users"

    id: Mapped[IntPk]
    #: Login name, normalised, unique without regard to case.
    email: Mapped[str] = mapped_column(unique=True)
    #: Name shown in lists; the address when empty.
    name: Mapped[str | None]
    #: argon2 hash.
    password: Mapped[str | None]
    #: A deactivated user can neither log in nor use tokens; their connections stop.
    active: Mapped[bool] = mapped_column(default=True)
    #: Changes to end every session of the user.
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    #: When the address was confirmed.
    confirmed_at: Mapped[datetime | None]
    #: Second factor: `authenticator` or nothing.
    tf_primary_method: Mapped[str | None]
    #: Encrypted TOTP seed.
    tf_totp_secret: Mapped[str | None]
    #: Unused recovery codes, encrypted.
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(ARRAY(sa.Text)))
    # Flask-Security declares these without None, which they are before the first login.
    last_login_at: Mapped[datetime | None]  # type: ignore[assignment]
    current_login_at: Mapped[datetime | None]  # type: ignore[assignment]
    last_login_ip: Mapped[str | None]
    current_login_ip: Mapped[str | None]
    login_count: Mapped[int | None]  # type: ignore[assignment]

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary=users_roles, lazy="selectin"
    )

    @property
    def is_admin(self) -> bool:
        return any(role.name == ADMIN for role in self.roles)

    def __str__(self) -> str:
        return self.name or self.email
