"""Figures of past days for the report over all accounts, and triggers that note which of them no longer hold.

A trigger fires only for a row that is more than half a day old, so trading itself never meets one. Blocks are
built of days that ended a day ago or more (`portal/services/reports/building.py`): a transaction would have
to stay open for half a day to change such a day unnoticed.
Locks: creating a trigger keeps writers of three tables waiting for a moment. The previous release runs on it
unchanged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

#: Table, the moment by which a row is old, which rows count, and the columns that figures are made of.
_WATCHED = (
    (
        "execution_positions",
        "closed_at",
        "true",
        "closed_at, realized_pnl, fees, settle, symbol, connection_name, execution_id",
    ),
    # Its signal is what says where the result of its position came from.
    (
        "executions",
        "created_at",
        "true",
        "created_at, status, code, message, signal_id, rerun_at, claimed_at, read_at, intended_at, "
        "answered_at, finished_at",
    ),
    # How far an entry slipped counts for its own day, and for the day on which its position was closed.
    (
        "orders",
        "sent_at",
        "{row}.role = 'entry'",
        "sent_at, role, side, average_price, reference_price, position_id, execution_id",
    ),
)
#: The days about which a row says something.
_DAYS = {
    "execution_positions": "SELECT {row}.closed_at",
    "executions": (
        "SELECT {row}.created_at UNION ALL"
        " SELECT closed_at FROM execution_positions WHERE execution_id = {row}.id"
    ),
    "orders": (
        "SELECT {row}.sent_at UNION ALL"
        " SELECT closed_at FROM execution_positions WHERE id = {row}.position_id"
    ),
}
_FUNCTION = """
CREATE FUNCTION note_change_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    INSERT INTO report_changes (day)
      SELECT (at AT TIME ZONE 'UTC')::date FROM ({old}) days (at) WHERE at IS NOT NULL;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO report_changes (day)
      SELECT (at AT TIME ZONE 'UTC')::date FROM ({new}) days (at) WHERE at IS NOT NULL;
  END IF;
  RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "report_blocks",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_blocks"),
        sa.UniqueConstraint("first", "days", name="uq_report_blocks_first_days"),
    )
    op.create_table(
        "report_changes",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_changes"),
    )
    for table, moment, counts, columns in _WATCHED:
        days = _DAYS[table]
        op.execute(_FUNCTION.format(table=table, old=days.format(row="OLD"), new=days.format(row="NEW")))
        for event, rows in (
            ("INSERT", ("NEW",)),
            (f"UPDATE OF {columns}", ("OLD", "NEW")),
            ("DELETE", ("OLD",)),
        ):
            old = " OR ".join(
                f"({counts.format(row=row)} AND {row}.{moment} < now() - interval '12 hours')" for row in rows
            )
            op.execute(
                f"CREATE TRIGGER note_{event[:6].lower()} AFTER {event} ON {table} FOR EACH ROW"
                f" WHEN ({old}) EXECUTE FUNCTION note_change_of_{table}()"
            )


def downgrade() -> None:
    for table, *_ in _WATCHED:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER note_{event} ON {table}")
        op.execute(f"DROP FUNCTION note_change_of_{table}()")
    op.drop_table("report_changes")
    op.drop_table("report_blocks")
