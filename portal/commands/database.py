"""`portal db`: the schema."""

from pathlib import Path

import click

from portal.commands.context import portal_app

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@click.group("db")
def database() -> None:
    """Look after the database schema."""


@database.command()
def upgrade() -> None:
    """Bring the schema up to date. Safe to repeat, and to run on several machines at once."""
    from flask_migrate import upgrade as migrate
    from sqlalchemy import text

    from portal.db import db

    with portal_app(), db.engine.connect() as guard:
        # Whoever comes second waits here and then finds nothing to do.
        guard.execute(text("SELECT pg_advisory_lock(hashtext('portico migrations'))"))
        guard.commit()
        migrate(directory=str(MIGRATIONS))
        guard.execute(text("SELECT pg_advisory_unlock(hashtext('portico migrations'))"))
    click.echo("The database schema is up to date.")
