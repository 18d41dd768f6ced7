"""People, and what they may do. Field names are those that Flask-Security expects."""

from datetime import datetime

import sqlalchemy as sa
from flask_security.core import RoleMixin, UserMixin
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import crypto
from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.passkey import Passkey

ADMIN = "admin"
TRADER = "trader"
#: What a TOTP seed is bound to between being made and being stored.
SEED_ON_ITS_WAY = "totp seed on its way to a row"

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
    #: TOTP seed, encrypted with the credential keys and bound to this row.
    totp_seed: Mapped[str | None] = mapped_column("tf_totp_secret")
    #: Number of the last half minute whose TOTP code was used; no earlier one is accepted again.
    totp_counter: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: How passkeys of this user name the account; says nothing about it.
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(unique=True)  # type: ignore[assignment]
    #: SHA-256 of each unused recovery code; a code has 79 random bits.
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

    webauthn: Mapped[list[Passkey]] = relationship(  # type: ignore[assignment]
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True, order_by=Passkey.name
    )

    @property
    def tf_totp_secret(self) -> str | None:
        """The TOTP seed as Flask-Security carries it about: encrypted, and bound to no row yet. Raises
        DecryptionError when it cannot be read."""
        if self.totp_seed is None or not crypto.is_ciphertext(self.totp_seed):
            return self.totp_seed
        plain = crypto.keyring().decrypt(self.totp_seed, self._seed_bound_to())
        return crypto.keyring().encrypt(plain, SEED_ON_ITS_WAY)

    @tf_totp_secret.setter
    def tf_totp_secret(self, value: str | None) -> None:
        if value is not None and not crypto.is_ciphertext(value):
            # A seed of the first release, handed back after its use: what is stored is newer.
            return
        if value is not None:
            plain = crypto.keyring().decrypt(value, SEED_ON_ITS_WAY)
            value = crypto.keyring().encrypt(plain, self._seed_bound_to())
        else:
            self.totp_counter = None
        self.totp_seed = value

    def reencrypt(self) -> bool:
        """Encrypt the TOTP seed again with the primary key. True when something changed."""
        if self.totp_seed is None or not crypto.keyring().needs_rotation(self.totp_seed):
            return False
        self.tf_totp_secret = self.tf_totp_secret
        return True

    @property
    def has_second_factor(self) -> bool:
        """True when the password alone is not enough to log in."""
        return bool(self.tf_primary_method) or any(key.usage == "secondary" for key in self.webauthn)

    def _seed_bound_to(self) -> str:
        return f"{self.__tablename__}:{self.id}:totp"

    @property
    def is_admin(self) -> bool:
        return any(role.name == ADMIN for role in self.roles)

    def __str__(self) -> str:
        return self.name or self.email
