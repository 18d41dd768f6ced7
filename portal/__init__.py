"""Portico, a trade execution portal. Importing the package loads nothing; `create_app()` brings the parts
together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Settings

__version__ = "0.1.0"


def create_app(settings: Settings | None = None, *, faces: bool = True) -> Flask:
    """Build the application. `faces=False` leaves out pages and API: workers and the scheduler need none.

    Raises ConfigError when a setting is missing or wrong. Opens no connection.
    """
    # Imported here, so that the sandbox, the command line's help and the pure core start without the web
    # stack.
    from portal.app import build

    return build(settings, faces=faces)
