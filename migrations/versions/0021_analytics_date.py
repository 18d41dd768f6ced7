"""An index for the figures of one day, and for the newest ones.

Locks: it keeps writers of the nightly figures waiting while it is built, under a second. The previous release
runs on it and ignores it.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_execution_analytics_date", "execution_analytics", ["date"])


def downgrade() -> None:
    op.drop_index("ix_execution_analytics_date", table_name="execution_analytics")
