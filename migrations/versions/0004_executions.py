"""Executions, positions, orders and fills.

Locks: none, all tables are new. Compatible with the previous release: there is none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "executions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_name", sa.Text(), nullable=False),
        sa.Column("currency_pair", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column(
            "direction",
            sa.Enum("buy", "sell", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "action",
            sa.Enum(
                "open", "close", name="signalaction", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "in_flight",
                "open",
                "partially_filled",
                "filled",
                "denied",
                "rejected",
                "unresolved",
                "not_placed",
                "expired",
                "canceled",
                name="executionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("claim_token", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_executions_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_executions_owner_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["signal_id"], ["signals.id"], name=("fk_executions_signal_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_executions")),
        sa.UniqueConstraint("signal_id", "connection_id", name=("uq_executions_signal_id_connection_id")),
    )
    op.create_index(("ix_executions_connection_id"), "executions", ["connection_id"], unique=False)
    op.create_index("ix_executions_owner", "executions", ["owner_id", "id"], unique=False)
    op.create_index(
        "ix_executions_unsettled",
        "executions",
        ["connection_id", "lane", "sequence"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'in_flight', 'unresolved')"),
    )
    op.create_table(
        "execution_positions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("execution_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_name", sa.Text(), nullable=False),
        sa.Column("exchange_name", sa.Text(), nullable=False),
        sa.Column("currency_pair", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "market_type",
            sa.Enum("spot", "swap", name="markettype", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "position_side",
            sa.Enum(
                "long", "short", name="positionside", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("settle", sa.Text(), nullable=False),
        sa.Column("contract_size", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("linear", sa.Boolean(), nullable=False),
        sa.Column("tick_size", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("lot_size", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("min_quantity", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("entry_quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("average_entry_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("average_exit_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("mark_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unrealized_pnl", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("realized_pnl", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fees", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("funding", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("dust_quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("sl_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("initial_sl_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("tp_prices", JSONB(), nullable=False),
        sa.Column("next_tp_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("break_even_at_r", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("trailing_stop_percent", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("trailing_activation_percent", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("best_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("trailed", sa.Boolean(), nullable=False),
        sa.Column(
            "protection",
            sa.Enum(
                "native",
                "local",
                "failed",
                name="protection",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "closing",
                "closed",
                "liquidated",
                name="positionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "close_reason",
            sa.Enum(
                "tp",
                "sl",
                "trailing",
                "manual",
                "signal",
                "external",
                "liquidation",
                "emergency",
                name="close_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("close_quantity", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("close_targets", ARRAY(sa.Integer()), nullable=False),
        sa.Column("close_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_execution_id", sa.BigInteger(), nullable=True),
        sa.Column("next_close_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "closed_reason",
            sa.Enum(
                "tp",
                "sl",
                "trailing",
                "manual",
                "signal",
                "external",
                "liquidation",
                "emergency",
                name="closedreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=("ck_execution_positions_quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["close_execution_id"], ["executions.id"], name=("fk_execution_positions_close_execution_id")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_execution_positions_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name=("fk_execution_positions_execution_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_execution_positions_owner_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_execution_positions")),
        sa.UniqueConstraint("execution_id", name=("uq_execution_positions_execution_id")),
    )
    op.create_index(
        "ix_execution_positions_live",
        "execution_positions",
        ["connection_id", "symbol"],
        unique=False,
        postgresql_where=sa.text("status IN ('open', 'closing')"),
    )
    op.create_index("ix_execution_positions_owner", "execution_positions", ["owner_id", "id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("intent_key", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("execution_id", sa.BigInteger(), nullable=True),
        sa.Column("position_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "entry",
                "stop_loss",
                "take_profit",
                "close",
                name="orderrole",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("buy", "sell", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "position_side",
            sa.Enum(
                "long", "short", name="positionside", native_enum=False, create_constraint=True, length=32
            ),
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
        sa.Column("payload", JSONB(), nullable=False),
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
        sa.Column("exchange_order_id", sa.Text(), nullable=True),
        sa.Column("filled_quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("average_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("reference_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("notional", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("venue_code", sa.Text(), nullable=True),
        sa.Column("next_query_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column("absent_answers", sa.Integer(), nullable=False),
        sa.Column("absent_from", ARRAY(sa.Text()), nullable=False),
        sa.Column("last_absent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fills_complete", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=("ck_orders_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_orders_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=("fk_orders_execution_id")),
        sa.ForeignKeyConstraint(["position_id"], ["execution_positions.id"], name=("fk_orders_position_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_orders")),
        sa.UniqueConstraint("client_order_id", name=("uq_orders_client_order_id")),
        sa.UniqueConstraint(
            "connection_id",
            "symbol",
            "exchange_order_id",
            name=("uq_orders_connection_id_symbol_exchange_order_id"),
        ),
        sa.UniqueConstraint("intent_key", name=("uq_orders_intent_key")),
    )
    op.create_index(("ix_orders_execution_id"), "orders", ["execution_id"], unique=False)
    op.create_index(
        "ix_orders_live",
        "orders",
        ["connection_id", "state"],
        unique=False,
        postgresql_where=sa.text("state IN ('in_flight', 'unresolved', 'open', 'partially_filled')"),
    )
    op.create_index(("ix_orders_next_query_at"), "orders", ["next_query_at"], unique=False)
    op.create_index(
        "ix_orders_entries",
        "orders",
        ["connection_id", "sent_at"],
        unique=False,
        postgresql_where=sa.text("role = 'entry'"),
    )
    op.create_index(("ix_orders_position_id"), "orders", ["position_id"], unique=False)
    op.create_table(
        "fills",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position_id", sa.BigInteger(), nullable=True),
        sa.Column("exchange_fill_id", sa.Text(), nullable=False),
        sa.Column("exchange_order_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("buy", "sell", name="side", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("quantity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("price", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fees", JSONB(), nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=True),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=("ck_fills_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_fills_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=("fk_fills_order_id")),
        sa.ForeignKeyConstraint(["position_id"], ["execution_positions.id"], name=("fk_fills_position_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_fills")),
        sa.UniqueConstraint(
            "connection_id",
            "symbol",
            "exchange_fill_id",
            name=("uq_fills_connection_id_symbol_exchange_fill_id"),
        ),
    )
    op.create_index(("ix_fills_order_id"), "fills", ["order_id"], unique=False)
    op.create_index(("ix_fills_position_id"), "fills", ["position_id"], unique=False)


def downgrade() -> None:
    op.drop_table("fills")
    op.drop_table("orders")
    op.drop_table("execution_positions")
    op.drop_table("executions")
