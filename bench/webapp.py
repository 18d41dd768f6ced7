"""The portal and, beside it in the same gunicorn, a Flask application with one route that does nothing."""

import sys

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from portal import embedded
from portal.commands.webserver import WebServer
from portal.config import Settings


def bare() -> Flask:
    """The baseline: what Flask and gunicorn cost without us."""
    app = Flask("bare")

    @app.get("/")
    def nothing() -> dict[str, bool]:
        return {"ok": True}

    return app


class BenchServer(WebServer):
    """`portal web` with the bare application under /bare."""

    def load(self) -> Flask:
        app = super().load()
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/bare": bare()})  # type: ignore[method-assign]
        return app


if __name__ == "__main__":
    with embedded.services(Settings.from_env()) as settings:
        BenchServer(settings, "127.0.0.1", int(sys.argv[1])).run()
