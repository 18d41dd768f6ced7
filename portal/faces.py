"""Pages, API and admin panel. Loaded by the web process only; workers never pay for it."""

from flask import Flask

from portal import admin, api, web


def init_app(app: Flask) -> None:
    """Mount every face of the portal."""
    web.init_app(app)
    api.init_app(app)
    admin.init_app(app)
