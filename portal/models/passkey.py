"""Passkeys (WebAuthn): public keys of people's devices. Field names are those that Flask-Security expects."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_security.core import WebAuthnMixin
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key

if TYPE_CHECKING:
    from portal.models.user import User

_EXTENSIONS_LIMIT = 1000


class Passkey(Timestamps, Base, WebAuthnMixin):
    __tablename__ = "passkeys"
    __table_args__ = (sa.UniqueConstraint("user_id", "name"),)

    id: Mapped[IntPk]
    #: Whose device it is.
    user_id: Mapped[int] = mapped_column(foreign_key("users.id", cascade=True), index=True)
    #: What the owner calls it.
    name: Mapped[str]
    #: The device's own name of the key pair.
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    #: What its signatures are checked with.
    public_key: Mapped[bytes]
    #: Grows with every use; one that does not grow is a copy.
    sign_count: Mapped[int] = mapped_column(default=0)
    #: How the device is reached: `usb`, `internal` …
    transports: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))
    #: Whether the device keeps a copy elsewhere.
    backup_state: Mapped[bool]
    #: `single_device` or `multi_device`.
    device_type: Mapped[str]
    #: What the browser sent along, as it came.
    raw_extensions: Mapped[str | None] = mapped_column("extensions")
    #: When it was used last.
    lastuse_datetime: Mapped[datetime]
    #: `first`: instead of the password; `secondary`: after it.
    usage: Mapped[str]

    user: Mapped["User"] = relationship(back_populates="webauthn")

    @property
    def extensions(self) -> str | None:
        """The JSON object that the browser sent along. Nothing when it was something else: Flask-Security
        reads it whenever it shows the list."""
        try:
            return self.raw_extensions if isinstance(json.loads(self.raw_extensions or ""), dict) else None
        except (ValueError, RecursionError):
            return None

    @extensions.setter
    def extensions(self, value: str | None) -> None:
        is_text = isinstance(value, str) and len(value) <= _EXTENSIONS_LIMIT
        self.raw_extensions = value if is_text else None
