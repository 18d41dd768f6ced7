"""The audit trail as a chain: every entry carries the hash of its content and of its predecessor's hash, and
the database refuses to change or delete one.

Entries are chained at the commit by a deferred trigger, under one advisory lock: it is the last lock that a
transaction takes, so it cannot deadlock and is held for the time of a commit only.
Locks: the table is rewritten once while the trail is chained; audited changes wait meanwhile. The previous
release runs on it unchanged, because the database does the work.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CONTENT = """
CREATE FUNCTION audit_content(entry audit_entries) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_array(
    entry.number, entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    entry.actor, entry.action, entry.object_type, entry.object_id, entry.data)::text
$$
"""
_CHAIN = """
CREATE FUNCTION chain_audit_entries() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  entry audit_entries;
  last_number bigint;
  last_hash text;
BEGIN
  PERFORM pg_advisory_xact_lock(7463511801);
  SELECT number, hash INTO last_number, last_hash FROM audit_heads WHERE id = 1;
  last_number := coalesce(last_number, 0);
  last_hash := coalesce(last_hash, repeat('0', 64));
  FOR entry IN SELECT * FROM audit_entries WHERE number IS NULL ORDER BY id LOOP
    last_number := last_number + 1;
    entry.number := last_number;
    last_hash := encode(sha256(convert_to(last_hash || audit_content(entry), 'UTF8')), 'hex');
    UPDATE audit_entries SET number = last_number, hash = last_hash WHERE id = entry.id;
  END LOOP;
  INSERT INTO audit_heads (id, number, hash) VALUES (1, last_number, last_hash)
    ON CONFLICT (id) DO UPDATE SET number = excluded.number, hash = excluded.hash;
END
$$
"""
_AT_COMMIT = """
CREATE FUNCTION chain_audit_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The first entry of a transaction chains all of them.
  IF EXISTS (SELECT FROM audit_entries WHERE id = NEW.id AND number IS NULL) THEN
    PERFORM chain_audit_entries();
  END IF;
  RETURN NULL;
END
$$
"""
_KEEP = """
CREATE FUNCTION keep_audit_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.number := NULL;
    NEW.hash := NULL;
    RETURN NEW;
  END IF;
  -- Only the chain may be written, once; and a deleted user leaves the address.
  IF TG_OP = 'UPDATE'
    AND to_jsonb(OLD) - '{number,hash,actor_id}'::text[] = to_jsonb(NEW) - '{number,hash,actor_id}'::text[]
    AND (OLD.number IS NULL OR (OLD.number, OLD.hash) IS NOT DISTINCT FROM (NEW.number, NEW.hash))
    AND (NEW.actor_id IS NULL OR NEW.actor_id = OLD.actor_id)
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'audit entries are only ever added; entry % was not touched', OLD.id
    USING ERRCODE = 'restrict_violation';
END
$$
"""
_TRIGGERS = (
    """
    CREATE CONSTRAINT TRIGGER chain_audit_entries AFTER INSERT ON audit_entries
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_audit_at_commit()
    """,
    """
    CREATE TRIGGER keep_audit_entries BEFORE INSERT OR UPDATE OR DELETE ON audit_entries
      FOR EACH ROW EXECUTE FUNCTION keep_audit_entries()
    """,
)


def upgrade() -> None:
    op.add_column("audit_entries", sa.Column("number", sa.BigInteger(), nullable=True))
    op.add_column("audit_entries", sa.Column("hash", sa.Text(), nullable=True))
    op.create_unique_constraint("uq_audit_entries_number", "audit_entries", ["number"])
    op.create_index(
        "ix_audit_entries_unchained", "audit_entries", ["id"], postgresql_where=sa.text("number IS NULL")
    )
    op.create_table(
        "audit_heads",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_heads"),
    )
    for function in (_CONTENT, _CHAIN, _AT_COMMIT, _KEEP):
        op.execute(function)
    op.execute("SELECT chain_audit_entries() WHERE EXISTS (SELECT FROM audit_entries)")
    for trigger in _TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    for name in ("chain_audit_entries", "keep_audit_entries"):
        op.execute(f"DROP TRIGGER {name} ON audit_entries")
    for name in ("keep_audit_entries()", "chain_audit_at_commit()", "chain_audit_entries()"):
        op.execute(f"DROP FUNCTION {name}")
    op.execute("DROP FUNCTION audit_content(audit_entries)")
    op.drop_table("audit_heads")
    op.drop_index("ix_audit_entries_unchained", "audit_entries")
    op.drop_constraint("uq_audit_entries_number", "audit_entries")
    op.drop_column("audit_entries", "hash")
    op.drop_column("audit_entries", "number")
