"""What is remembered about a connection's key: when it was asked about, the written exception for keys that
can withdraw, and the warnings that were given.

Locks: execution_connections, for an instant; no row is rewritten. Compatible with the previous release.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("execution_connections", sa.Column("facts_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("execution_connections", sa.Column("withdrawal_override", JSONB(), nullable=True))
    op.add_column("execution_connections", sa.Column("warned", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("execution_connections", "warned")
    op.drop_column("execution_connections", "withdrawal_override")
    op.drop_column("execution_connections", "facts_at")
