"""Counting the requests that this process has answered. One registry per app; nothing is kept elsewhere."""

import os

from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter

_EXTENSION = "portal_request_counter"


def init_app(app: Flask) -> None:
    registry = CollectorRegistry()
    counter = Counter(
        "portal_http_requests",
        "Requests answered by this web process since it started.",
        ["process", "method", "endpoint", "status"],
        registry=registry,
    )
    app.extensions[_EXTENSION] = (registry, counter)
    app.after_request(_count)


def registry() -> CollectorRegistry:
    """The registry of the current app."""
    found: CollectorRegistry = current_app.extensions[_EXTENSION][0]
    return found


def _count(response: Response) -> Response:
    _, counter = current_app.extensions[_EXTENSION]
    method = request.method if request.method in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
    # The endpoint, never the address: addresses hold ids and tokens, and each would become a series of its
    # own.
    counter.labels(str(os.getpid()), method, request.endpoint or "none", str(response.status_code)).inc()
    return response
