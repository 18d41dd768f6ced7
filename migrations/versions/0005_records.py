"""Logs, notifications, analytics and the audit trail.

Locks: none, all tables are new. Compatible with the previous release: there is none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "execution_logs",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("execution_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("position_id", sa.BigInteger(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("data", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_execution_logs_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=("fk_execution_logs_execution_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=("fk_execution_logs_order_id")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_execution_logs_owner_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["position_id"], ["execution_positions.id"], name=("fk_execution_logs_position_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_execution_logs")),
    )
    op.create_index(("ix_execution_logs_at"), "execution_logs", ["at"], unique=False)
    op.create_index(("ix_execution_logs_connection_id"), "execution_logs", ["connection_id"], unique=False)
    op.create_index(("ix_execution_logs_execution_id"), "execution_logs", ["execution_id"], unique=False)
    op.create_index(("ix_execution_logs_order_id"), "execution_logs", ["order_id"], unique=False)
    op.create_index("ix_execution_logs_owner", "execution_logs", ["owner_id", "id"], unique=False)
    op.create_index(("ix_execution_logs_position_id"), "execution_logs", ["position_id"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "execution",
                "open",
                "close",
                "sl_hit",
                "tp_hit",
                "liquidation",
                "error",
                "unresolved",
                "unprotected",
                "connection",
                "halt",
                name="notificationtype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("execution_id", sa.BigInteger(), nullable=True),
        sa.Column("position_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_notifications_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], name=("fk_notifications_execution_id")),
        sa.ForeignKeyConstraint(
            ["position_id"], ["execution_positions.id"], name=("fk_notifications_position_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_notifications_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_notifications")),
    )
    op.create_index("ix_notifications_user", "notifications", ["user_id", "id"], unique=False)
    op.create_table(
        "execution_analytics",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_name", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("trades", sa.Integer(), nullable=False),
        sa.Column("wins", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("win_rate", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("profit_factor", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("expectancy", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("average_win", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("average_loss", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("sharpe", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("sortino", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("max_drawdown", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("realized_pnl", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fees", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("slippage_bps", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("latency_p50_ms", sa.Integer(), nullable=True),
        sa.Column("latency_p90_ms", sa.Integer(), nullable=True),
        sa.Column("latency_p99_ms", sa.Integer(), nullable=True),
        sa.Column("balance", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("equity", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["execution_connections.id"],
            name=("fk_execution_analytics_connection_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=("fk_execution_analytics_owner_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_execution_analytics")),
        sa.UniqueConstraint("connection_id", "date", name=("uq_execution_analytics_connection_id_date")),
    )
    op.create_index(("ix_execution_analytics_owner_id"), "execution_analytics", ["owner_id"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("data", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=("fk_audit_entries_actor_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_audit_entries")),
    )
    op.create_index(("ix_audit_entries_at"), "audit_entries", ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("audit_entries")
    op.drop_table("execution_analytics")
    op.drop_table("notifications")
    op.drop_table("execution_logs")
