"""Presets, data connections and execution connections.

Locks: none, all tables are new. Compatible with the previous release: there is none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trading_presets",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum(
                "private", "public", name="visibility", native_enum=False, create_constraint=True, length=32
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
        sa.Column(
            "market_type",
            sa.Enum("spot", "swap", name="markettype", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("leverage", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column(
            "margin_mode",
            sa.Enum(
                "cross", "isolated", name="marginmode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("max_slippage_bps", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("max_signal_age_seconds", sa.Integer(), nullable=False),
        sa.Column(
            "sizing_mode",
            sa.Enum(
                "fixed",
                "percentage",
                "fixed_amount",
                "risk_percent",
                name="sizingmode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("sizing_value", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("min_notional", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("max_notional", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column(
            "stop_loss_mode",
            sa.Enum(
                "none",
                "signal",
                "percent",
                name="stoplossmode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("stop_loss_value", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("take_profits", JSONB(), nullable=False),
        sa.Column("break_even_at_r", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("trailing_stop_percent", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("trailing_activation_percent", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("max_open_positions", sa.Integer(), nullable=True),
        sa.Column("max_positions_per_symbol", sa.Integer(), nullable=True),
        sa.Column("max_daily_loss_percent", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("allowed_symbols", ARRAY(sa.Text()), nullable=False),
        sa.Column("blocked_symbols", ARRAY(sa.Text()), nullable=False),
        sa.Column("trading_hours", JSONB(), nullable=True),
        sa.Column(
            "when_unprotected",
            sa.Enum(
                "alert", "close", name="whenunprotected", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_trading_presets_owner_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_trading_presets")),
        sa.UniqueConstraint(
            "owner_id", "name", name=("uq_trading_presets_owner_id_name"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index(("ix_trading_presets_owner_id"), "trading_presets", ["owner_id"], unique=False)
    op.create_table(
        "data_connections",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "inactive",
                "error",
                "testing",
                name="connectionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_data_connections_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_data_connections")),
        sa.UniqueConstraint("uid", name=("uq_data_connections_uid")),
    )
    op.create_index(("ix_data_connections_user_id"), "data_connections", ["user_id"], unique=False)
    op.create_table(
        "execution_connections",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("admin_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "crypto", "fx", name="connectiontype", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("exchange_name", sa.Text(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(
                "paper", "live", name="connectionmode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "inactive",
                "error",
                "testing",
                name="connectionstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_admin_owned", sa.Boolean(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settings", JSONB(), nullable=False),
        sa.Column("preset_id", sa.BigInteger(), nullable=True),
        sa.Column("data_connection_id", sa.BigInteger(), nullable=True),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column(
            "position_mode",
            sa.Enum(
                "one_way", "hedge", name="positionmode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "margin_mode",
            sa.Enum(
                "cross", "isolated", name="marginmode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("key_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clock_offset_ms", sa.Integer(), nullable=True),
        sa.Column("last_balance", JSONB(), nullable=True),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "is_admin_owned = (admin_id IS NOT NULL)", name=("ck_execution_connections_one_kind_of_owner")
        ),
        sa.ForeignKeyConstraint(
            ["admin_id"], ["users.id"], name=("fk_execution_connections_admin_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["data_connection_id"],
            ["data_connections.id"],
            name=("fk_execution_connections_data_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["preset_id"],
            ["trading_presets.id"],
            name=("fk_execution_connections_preset_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_execution_connections_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_execution_connections")),
        sa.UniqueConstraint("uid", name=("uq_execution_connections_uid")),
        sa.UniqueConstraint("user_id", "name", name=("uq_execution_connections_user_id_name")),
    )
    op.create_index(
        ("ix_execution_connections_admin_id"), "execution_connections", ["admin_id"], unique=False
    )
    op.create_index(
        ("ix_execution_connections_preset_id"), "execution_connections", ["preset_id"], unique=False
    )
    op.create_index(("ix_execution_connections_status"), "execution_connections", ["status"], unique=False)
    op.create_index(("ix_execution_connections_user_id"), "execution_connections", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_table("execution_connections")
    op.drop_table("data_connections")
    op.drop_table("trading_presets")
