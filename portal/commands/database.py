"""`portal db`: the schema."""

import click

from portal.commands.context import portal_app


@click.group("db")
def database() -> None:
    """Look after the database schema."""


@database.command()
def upgrade() -> None:
    """Bring the schema up to date. Safe to repeat, and to run on several machines at once."""
    from flask_migrate import upgrade as migrate

    with portal_app():
        migrate()
    click.echo("The database schema is up to date.")
