"""An index to find an order by the exchange's id, as people read it there.

Locks: writes to `orders` wait while it is built, about a second per million rows. The previous release
runs on it and ignores it.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_exchange_order_id", "orders", ["exchange_order_id"])


def downgrade() -> None:
    op.drop_index("ix_orders_exchange_order_id", table_name="orders")
