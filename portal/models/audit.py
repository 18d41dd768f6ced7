"""Who did what to what. Rows are only ever added."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, JsonDict, utcnow
from portal.models.base import IntPk, foreign_key


class AuditEntry(Base):
    __tablename__ = "audit_entries"

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
