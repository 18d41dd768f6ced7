"""What reconciliation needs to remember: when an account was compared, what was seen once, what is not ours.

Locks: adding columns with constant defaults rewrites nothing; the indexes are built while writers wait, on
the few rows of unsettled orders and on the connections. Compatible with the previous release: every new
column has a default. Every connection is compared before its next entry.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(38, 18)
_MOMENT = sa.DateTime(timezone=True)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.add_column("execution_connections", sa.Column("reconciled_at", _MOMENT, nullable=True))
    op.add_column(
        "execution_connections",
        sa.Column("reconciled_markets", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "execution_connections", sa.Column("reconcile_note", sa.Text(), server_default="", nullable=False)
    )
    op.create_index("ix_execution_connections_reconciled_at", "execution_connections", ["reconciled_at"])
    op.add_column("orders", sa.Column("is_external", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_orders_unsettled",
        "orders",
        ["connection_id"],
        postgresql_where=sa.text("next_query_at IS NOT NULL"),
    )
    op.add_column(
        "execution_positions",
        sa.Column("unexplained_quantity", _MONEY, server_default="0", nullable=False),
    )
    _differences()
    _foreign()


def _differences() -> None:
    op.create_table(
        "book_differences",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "connection_id",
            sa.BigInteger(),
            sa.ForeignKey("execution_connections.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("market_type", _enum("markettype", "spot", "swap"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position_side", _enum("positionside", "long", "short"), nullable=False),
        sa.Column("booked", _MONEY, nullable=False),
        sa.Column("seen", _MONEY, nullable=False),
        sa.Column("books", sa.Text(), nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("connection_id", "market_type", "name", "position_side"),
    )


def _foreign() -> None:
    op.create_table(
        "foreign_holdings",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "connection_id", sa.BigInteger(), sa.ForeignKey("execution_connections.id", ondelete="SET NULL")
        ),
        sa.Column("owner_id", sa.BigInteger(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("connection_name", sa.Text(), nullable=False),
        sa.Column("kind", _enum("foreignkind", "order", "position"), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", _enum("side", "buy", "sell"), nullable=False),
        sa.Column("quantity", _MONEY, nullable=False),
        sa.Column("price", _MONEY, nullable=True),
        sa.Column("exchange_order_id", sa.Text(), nullable=False),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("gone_at", _MOMENT, nullable=True),
    )
    op.create_index(
        "uq_foreign_holdings_there",
        "foreign_holdings",
        ["connection_id", "kind", "symbol", "side", "exchange_order_id"],
        unique=True,
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_index("ix_foreign_holdings_owner", "foreign_holdings", ["owner_id", "id"])


def downgrade() -> None:
    op.drop_table("foreign_holdings")
    op.drop_table("book_differences")
    op.drop_column("execution_positions", "unexplained_quantity")
    op.drop_index("ix_orders_unsettled", table_name="orders")
    op.drop_column("orders", "is_external")
    op.drop_index("ix_execution_connections_reconciled_at", table_name="execution_connections")
    for column in ("reconcile_note", "reconciled_markets", "reconciled_at"):
        op.drop_column("execution_connections", column)
