"""Indexes for what pages ask: executions of today, positions closed since, what was told about a trade.

Locks: each index keeps writers of its table waiting while it is built, about a second per million rows. The
previous release runs on it and ignores it.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_INDEXES = (
    ("executions", "created_at"),
    ("execution_positions", "closed_at"),
    ("notifications", "execution_id"),
    ("notifications", "position_id"),
)


def upgrade() -> None:
    for table, column in _INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in reversed(_INDEXES):
        op.drop_index(f"ix_{table}_{column}", table_name=table)
