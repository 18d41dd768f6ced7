"""The ledger of paper accounts.

Locks: none, all tables are new. Compatible with the previous release: it does not know the tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_accounts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "position_mode",
            sa.Enum(
                "one_way", "hedge", name="positionmode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_paper_accounts_connection_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_paper_accounts")),
        sa.UniqueConstraint("connection_id", name=("uq_paper_accounts_connection_id")),
    )
    op.create_table(
        "paper_balances",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["paper_accounts.id"], name=("fk_paper_balances_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_paper_balances")),
        sa.UniqueConstraint("account_id", "currency", name=("uq_paper_balances_account_id_currency")),
    )
    op.create_table(
        "paper_orders",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("buy", "sell", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "order_type",
            sa.Enum(
                "market",
                "limit",
                "stop",
                name="ordertype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "time_in_force",
            sa.Enum(
                "standard",
                "IOC",
                "FOK",
                name="timeinforce",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("trigger_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "in_flight",
                "unresolved",
                "open",
                "partially_filled",
                "filled",
                "canceled",
                "expired",
                "rejected",
                "not_placed",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("filled_quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("filled_value", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fill_count", sa.Integer(), nullable=False),
        sa.Column("reserved_currency", sa.Text(), nullable=False),
        sa.Column("reserved", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "filled_quantity BETWEEN 0 AND quantity", name=("ck_paper_orders_filled_within_quantity")
        ),
        sa.CheckConstraint("quantity > 0", name=("ck_paper_orders_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["paper_accounts.id"], name=("fk_paper_orders_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_paper_orders")),
        sa.UniqueConstraint(
            "account_id", "client_order_id", name=("uq_paper_orders_account_id_client_order_id")
        ),
        sa.UniqueConstraint("account_id", "number", name=("uq_paper_orders_account_id_number")),
    )
    op.create_index(
        "ix_paper_orders_live",
        "paper_orders",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('open', 'partially_filled')"),
    )
    op.create_table(
        "paper_fills",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("buy", "sell", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("price", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("fee", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=("ck_paper_fills_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["paper_accounts.id"], name=("fk_paper_fills_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_paper_fills")),
        sa.UniqueConstraint(
            "account_id", "order_number", "sequence", name=("uq_paper_fills_account_id_order_number_sequence")
        ),
    )
    op.create_index(
        "ix_paper_fills_recent", "paper_fills", ["account_id", "symbol", "filled_at"], unique=False
    )
    op.create_table(
        "paper_positions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("settle", sa.Text(), nullable=False),
        sa.Column("contract_size", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("cost", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("leverage", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.CheckConstraint("bucket IN ('net', 'long', 'short')", name=("ck_paper_positions_known_bucket")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["paper_accounts.id"], name=("fk_paper_positions_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_paper_positions")),
        sa.UniqueConstraint(
            "account_id", "symbol", "bucket", name=("uq_paper_positions_account_id_symbol_bucket")
        ),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    op.drop_table("paper_positions")
    op.drop_table("paper_fills")
    op.drop_table("paper_orders")
    op.drop_table("paper_balances")
    op.drop_table("paper_accounts")
