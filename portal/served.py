"""The application for a process that does nothing but serve it."""

import gc

from flask import Flask

from portal import create_app
from portal.config import Settings


def served_app(settings: Settings | None = None) -> Flask:
    """`create_app`, once per process. What is there afterwards stays: it is taken out of the sight of the
    garbage collector, whose full passes over it cost single requests a tenth of a second and more."""
    app = create_app(settings)
    gc.collect()
    gc.freeze()
    return app
