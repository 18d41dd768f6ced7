"""Trading states and the leases of periodic jobs.

Locks: none, all tables are new. Compatible with the previous release: there is none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trading_states",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "reducing",
                "halted",
                name="tradingstatevalue",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "scope IN ('everything', 'user', 'exchange', 'connection', 'symbol')",
            name=("ck_trading_states_known_scope"),
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_trading_states")),
        sa.UniqueConstraint("scope", "key", name=("uq_trading_states_scope_key")),
    )
    op.create_table(
        "job_leases",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_job_leases")),
        sa.UniqueConstraint("job", "tick", name=("uq_job_leases_job_tick")),
    )


def downgrade() -> None:
    op.drop_table("job_leases")
    op.drop_table("trading_states")
