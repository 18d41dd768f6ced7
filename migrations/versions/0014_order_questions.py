"""What was asked about orders in doubt, and when somebody was told of one.

Locks: a new table, and a column without a default on `orders`; nothing is rewritten. Compatible with the
previous release: it knows neither.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("doubt_told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "order_questions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", _one_of("questionkind", "ask", "adopt", "look"), nullable=False),
        sa.Column(
            "answer", _one_of("answer", "wanted", "found", "not_found", "failed", "refused"), nullable=False
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("exchange_order_id", sa.Text(), nullable=True),
        sa.Column("absent_from", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("listed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["asked_by_id"],
            ["users.id"],
            name=op.f("fk_order_questions_asked_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_questions_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_questions")),
    )
    op.create_index("ix_order_questions_order", "order_questions", ["order_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_order_questions_order", table_name="order_questions")
    op.drop_table("order_questions")
    op.drop_column("orders", "doubt_told_at")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
