"""The only place where the parts meet."""

from importlib import import_module
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from portal import crypto, events, logs
from portal.config import Settings
from portal.db import check_idle_connections, db
from portal.flask_config import flask_config
from portal.jobs import queues
from portal.services import venues

migrate = Migrate(
    directory=str(Path(__file__).parents[1] / "migrations"), compare_type=True, render_as_batch=False
)


def build(settings: Settings | None = None, *, faces: bool = True) -> Flask:
    """Build the application. `faces=False` leaves out pages and API: workers and the scheduler need none.

    Raises ConfigError when a setting is missing or wrong. Opens no connection.
    """
    settings = (settings or Settings.from_env()).require_complete()
    logs.configure(settings)
    app = Flask("portal")
    app.extensions["portal_settings"] = settings
    app.config.update(flask_config(settings))
    db.init_app(app)
    migrate.init_app(app, db)
    crypto.init_keyring(app.extensions, settings.credential_keys)
    venues.init_app(app, settings)
    queues.init_app(app)
    with app.app_context():
        events.register(db.session)
        check_idle_connections(db.engine)
    if faces:
        import_module("portal.faces").init_app(app)
    return app
