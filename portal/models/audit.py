"""Who did what to what. Rows are only ever added; the database refuses anything else and chains them by hash
(`migrations/versions/0010_audit_chain.py`)."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, JsonDict, utcnow
from portal.models.base import IntPk, foreign_key


class AuditEntry(Base):
    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index("ix_audit_entries_unchained", "id", postgresql_where=sa.text("number IS NULL")),
        sa.Index("ix_audit_entries_object", "object_type", "object_id", "id"),
    )

    id: Mapped[IntPk]
    at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    actor_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    #: Address of the person, or `command line`, `system`.
    actor: Mapped[str]
    #: Dotted: `portal.connection.created`.
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: What changed; never a secret.
    data: Mapped[JsonDict] = mapped_column(JSONB, default=dict)
    #: Place in the chain, without gaps, in the order of the commits; given by the database at the commit.
    number: Mapped[int | None] = mapped_column(sa.BigInteger, unique=True)
    #: SHA-256 of the predecessor's hash and this row; given by the database with the number.
    hash: Mapped[str | None]


class AuditHead(Base):
    """The one row that says where the chain ends, so that missing last rows are noticed."""

    __tablename__ = "audit_heads"

    id: Mapped[IntPk]
    #: Number of the newest entry.
    number: Mapped[int] = mapped_column(sa.BigInteger)
    #: Hash of the newest entry.
    hash: Mapped[str]
