"""What this installation is set to, at `/admin/settings/`: settings without secrets, versions, keys. Changes
nothing: settings are the environment's, and read when a process starts.
"""

from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_admin import BaseView
from redis import RedisError

import portal
from portal.admin.access import AdminOnly
from portal.admin.routing import route
from portal.config import Settings
from portal.db import db
from portal.services import key_usage, schema, settings_report

#: Read from what is installed; importing ccxt costs seconds, and the web process never does.
_PACKAGES = ("ccxt", "flask", "flask-admin", "sqlalchemy", "redis", "rq", "rq-scheduler")


class SettingsView(AdminOnly, BaseView):  # type: ignore[misc]
    @route("/")
    def index(self) -> str:
        """The page."""
        applied = schema.applied()
        settings: Settings = current_app.extensions["portal_settings"]
        return str(
            self.render(
                "admin/settings.html",
                lines=settings_report.lines(settings),
                keys=key_usage.key_usage(),
                packages=[("Portico", portal.__version__), *((name, version(name)) for name in _PACKAGES)],
                servers=_servers(),
                applied=", ".join(sorted(applied)),
                mismatch=schema.mismatch(applied),
            )
        )


def _servers() -> list[tuple[str, str]]:
    found = [("PostgreSQL", str(db.session.scalar(sa.text("SHOW server_version"))))]
    try:
        info: Any = current_app.extensions["portal_redis"].info("server")
    except RedisError:
        return [*found, ("Redis", "does not answer")]
    return [*found, ("Redis", str(info.get("redis_version", "unknown")))]
