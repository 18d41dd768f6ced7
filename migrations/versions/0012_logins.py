"""Logins that can be seen and ended, invitations, passkeys, and used TOTP codes in the database.

Everybody logs in once more: sessions of the previous release have no row. Recovery codes of the previous
release are dropped (they were readable with the secret key; now only hashes are stored): their owners make
new ones. TOTP seeds go on working and are encrypted anew at their next use.
Locks: new tables, and columns without a default on the small table of users. The previous release runs on it,
but cannot read seeds that the new one has stored.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("totp_counter", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("fs_webauthn_user_handle", sa.Text(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_users_fs_webauthn_user_handle"), "users", ["fs_webauthn_user_handle"]
    )
    op.execute("UPDATE users SET mf_recovery_codes = NULL")
    _create_sessions()
    _create_invitations()
    _create_passkeys()


def downgrade() -> None:
    op.drop_table("passkeys")
    op.drop_table("invitations")
    op.drop_table("user_sessions")
    op.execute("UPDATE users SET mf_recovery_codes = NULL")
    op.drop_constraint(op.f("uq_users_fs_webauthn_user_handle"), "users", type_="unique")
    op.drop_column("users", "fs_webauthn_user_handle")
    op.drop_column("users", "totp_counter")


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"
    )


def _create_sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("generation", sa.Text(), nullable=False),
        _moment("last_seen_at"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        _moment("ended_at", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _owner("user_sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_user_sessions_token_hash")),
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"])


def _create_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("invited_by_id", sa.BigInteger(), nullable=True),
        _moment("expires_at"),
        _moment("accepted_at", nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        _moment("withdrawn_at", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["users.id"],
            name=op.f("fk_invitations_invited_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_invitations_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index(op.f("ix_invitations_email"), "invitations", ["email"])


def _create_passkeys() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("extensions", sa.Text(), nullable=True),
        _moment("lastuse_datetime"),
        sa.Column("usage", sa.Text(), nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _owner("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_passkeys_user_id_name")),
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"])
