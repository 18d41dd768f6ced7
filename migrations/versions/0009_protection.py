"""Guards that rest at the exchanges: what is known of them, and whether each position is proved protected.

Locks: adding columns with constant defaults rewrites nothing; the index is built while writers wait, on the
few rows of live orders. Compatible with the previous release: every new column has a default.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LIVE_GUARD = "is_guard AND state IN ('in_flight', 'unresolved', 'open', 'partially_filled')"
_MOMENTS = (
    "next_guard_at",
    "protection_checked_at",
    "protection_due_since",
    "unprotected_told_at",
    "exit_reached_at",
)


def upgrade() -> None:
    op.add_column("orders", sa.Column("is_guard", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("orders", sa.Column("target_place", sa.Integer(), nullable=True))
    op.add_column("orders", sa.Column("working_order_id", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_orders_live_guards", "orders", ["position_id"], postgresql_where=sa.text(_LIVE_GUARD))
    op.add_column(
        "execution_positions",
        sa.Column(
            "when_unprotected",
            sa.Enum(
                "alert", "close", name="whenunprotected", native_enum=False, create_constraint=True, length=32
            ),
            server_default="alert",
            nullable=False,
        ),
    )
    for count in ("guard_version", "guard_failures"):
        op.add_column(
            "execution_positions", sa.Column(count, sa.Integer(), server_default="0", nullable=False)
        )
    for moment in _MOMENTS:
        op.add_column("execution_positions", sa.Column(moment, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "execution_positions", sa.Column("protection_note", sa.Text(), server_default="", nullable=False)
    )
    # What is open was never proved: the sweeper looks at once.
    op.execute(
        "UPDATE execution_positions SET protection_due_since = now() WHERE status IN ('open', 'closing')"
    )


def downgrade() -> None:
    op.drop_column("execution_positions", "protection_note")
    for moment in reversed(_MOMENTS):
        op.drop_column("execution_positions", moment)
    for count in ("guard_failures", "guard_version", "when_unprotected"):
        op.drop_column("execution_positions", count)
    op.drop_index("ix_orders_live_guards", table_name="orders")
    for column in ("proved_at", "working_order_id", "target_place", "is_guard"):
        op.drop_column("orders", column)
