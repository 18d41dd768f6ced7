"""When a person last let an execution run again: its steps count from there.

Locks: a column without a default rewrites nothing. The previous release runs on it and ignores it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("rerun_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("executions", "rerun_at")
