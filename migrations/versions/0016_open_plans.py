"""Plans that people may subscribe to by themselves. None is, until an administrator opens it.

Locks: a column with a constant default rewrites nothing. The previous release runs on it and ignores it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plans", sa.Column("is_open", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("plans", "is_open")
