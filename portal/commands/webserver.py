"""gunicorn in this process: threads that answer requests. Knows no routes."""

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from portal import embedded
from portal.config import Settings
from portal.embedded import ports
from portal.errors import ConfigError
from portal.served import served_app

#: A request that takes longer is cut off with its process; the slowest page takes a tenth of it.
_TIMEOUT = 60
_GRACE = 8


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn without a configuration file; each of its processes builds the application for itself."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings = settings
        self._bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options: dict[str, Any] = {
            "bind": self._bind,
            "worker_class": "gthread",
            "workers": settings.web_processes,
            "threads": settings.web_threads,
            "timeout": _TIMEOUT,
            "graceful_timeout": _GRACE,
            "loglevel": settings.log_level.lower(),
            "errorlog": "-",
            # A management socket in a shared directory is one door more than needed.
            "control_socket_disable": True,
            # X-Forwarded headers are the application's business (PORTAL_TRUSTED_PROXIES).
            "forwarded_allow_ips": "",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return served_app(self._settings)


def run_web(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises PortalError when the port is taken or a setting is wrong."""
    if not ports.is_free(port, host):
        raise ConfigError(
            f"{host}:{port} is in use or cannot be listened on; the web server was not started. "
            "Stop the program that uses it, or choose another one with --port."
        )
    with embedded.services(Settings.from_env()) as settings:
        WebServer(settings, host, port).run()
