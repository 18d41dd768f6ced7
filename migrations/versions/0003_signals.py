"""Plans, subscriptions, signals and the order of their publication.

Locks: none, all tables are new. Compatible with the previous release: there is none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("signals_publish_seq")))
    op.create_table(
        "plans",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_plans")),
        sa.UniqueConstraint("name", name=("uq_plans_name")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=("ck_subscriptions_ends_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.id"], name=("fk_subscriptions_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=("fk_subscriptions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_subscriptions")),
    )
    op.create_index("ix_subscriptions_plan_user", "subscriptions", ["plan_id", "user_id"], unique=False)
    op.create_index(("ix_subscriptions_user_id"), "subscriptions", ["user_id"], unique=False)
    op.create_table(
        "signals",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("currency_pair", sa.Text(), nullable=False),
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
            nullable=True,
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
            nullable=True,
        ),
        sa.Column("open_price", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("sl", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("tp", ARRAY(sa.Numeric(precision=38, scale=18)), nullable=False),
        sa.Column(
            "market_type",
            sa.Enum("spot", "swap", name="markettype", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("publish_sequence", sa.BigInteger(), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "is_published = (publish_sequence IS NOT NULL)", name=("ck_signals_published_has_sequence")
        ),
        sa.CheckConstraint(
            "is_published = (published_at IS NOT NULL)", name=("ck_signals_published_has_time")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=("fk_signals_author_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_signals")),
        sa.UniqueConstraint("author_id", "dedupe_key", name=("uq_signals_author_id_dedupe_key")),
        sa.UniqueConstraint("publish_sequence", name=("uq_signals_publish_sequence")),
    )
    op.create_index(("ix_signals_author_id"), "signals", ["author_id"], unique=False)
    op.create_index(("ix_signals_currency_pair"), "signals", ["currency_pair"], unique=False)
    op.create_index("ix_signals_published_at", "signals", ["published_at"], unique=False)
    op.create_table(
        "plan_signals",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plans.id"], name=("fk_plan_signals_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["signal_id"], ["signals.id"], name=("fk_plan_signals_signal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan_id", "signal_id", name=("pk_plan_signals")),
    )
    op.create_index(("ix_plan_signals_signal_id"), "plan_signals", ["signal_id"], unique=False)


def downgrade() -> None:
    op.drop_table("plan_signals")
    op.drop_table("signals")
    op.drop_table("subscriptions")
    op.drop_table("plans")
    op.execute(sa.schema.DropSequence(sa.Sequence("signals_publish_seq")))
