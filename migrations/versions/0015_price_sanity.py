"""Markets without a usable price and who was told of them; trailing stops by an absolute distance.

Locks: two new tables; columns without defaults rewrite nothing. Compatible with the previous release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_DOUBTS = ("missing", "crossed", "stale", "outside_band", "unproved", "not_listed", "unread")
_DISTANCES = ("trailing_stop_distance", "trailing_activation_distance")
_TABLES = ("execution_positions", "trading_presets")


def upgrade() -> None:
    op.create_table(
        "market_doubts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("exchange_name", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column(
            "doubt",
            sa.Enum(*_DOUBTS, name="doubt", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("price", sa.Numeric(38, 18), nullable=True),
        sa.Column("in_the_book", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_market_doubts"),
        sa.UniqueConstraint("exchange_name", "symbol", name="uq_market_doubts_exchange_name_symbol"),
    )
    op.create_table(
        "price_alarms",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("exchange_name", sa.Text(), nullable=False),
        sa.Column("owner_key", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_price_alarms"),
        sa.UniqueConstraint("exchange_name", "owner_key", name="uq_price_alarms_exchange_name_owner_key"),
    )
    for table in _TABLES:
        for distance in _DISTANCES:
            op.add_column(table, sa.Column(distance, sa.Numeric(38, 18), nullable=True))


def downgrade() -> None:
    for table in reversed(_TABLES):
        for distance in reversed(_DISTANCES):
            op.drop_column(table, distance)
    op.drop_table("price_alarms")
    op.drop_table("market_doubts")
