"""Runs the migrations inside the app that Flask-Migrate gives. Imports no model: a migration stands alone."""

from typing import Any

from alembic import context
from flask import current_app


def _skip_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run() -> None:
    migrate = current_app.extensions["migrate"]
    options = dict(migrate.configure_args)
    options.setdefault("process_revision_directives", _skip_empty)
    with migrate.db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=migrate.db.metadata, **options)
        with context.begin_transaction():
            # One migration at a time, whoever starts it.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7234)")
            context.run_migrations()


run()
