"""What every table shares."""

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import JsonDict, utcnow

#: Primary key of every table.
IntPk = Annotated[int, mapped_column(sa.BigInteger, primary_key=True)]
#: A JSON object; money inside is written as strings.
Json = Annotated[JsonDict, mapped_column(JSONB)]


class Timestamps:
    """When the row was made and last changed."""

    #: When the row was written first (UTC).
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: When the row was changed last (UTC).
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


def foreign_key(target: str, *, cascade: bool = False) -> sa.ForeignKey:
    """History outlives what it points at: a deleted parent leaves NULL, unless the child is a mere part of
    it."""
    return sa.ForeignKey(target, ondelete="CASCADE" if cascade else "SET NULL")
