"""Wishes to close everything in a scope, and an index to find what was done to one thing.

Locks: a new table; writes to `audit_entries` wait while its index is built, a second or so for a million
entries. Compatible with the previous release: it knows neither.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "close_wishes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("form_key", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("denies_entries", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("asked_all_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["users.id"], name="fk_close_wishes_asked_by_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_close_wishes"),
        sa.UniqueConstraint("form_key", name="uq_close_wishes_form_key"),
    )
    op.create_index(
        "ix_close_wishes_unfinished", "close_wishes", ["id"], postgresql_where=sa.text("asked_all_at IS NULL")
    )
    op.create_index("ix_audit_entries_object", "audit_entries", ["object_type", "object_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_entries_object", table_name="audit_entries")
    op.drop_table("close_wishes")
