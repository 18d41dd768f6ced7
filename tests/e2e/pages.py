"""Every page that a person can open, from the routes of the running application: a new page is in here by
itself."""

from collections.abc import Iterator

from flask import Flask

from portal.models import User
from tests.security.routes import TOKEN_BLUEPRINTS, routes
from tests.visiting import visit


def pages(app: Flask, ids: dict[str, int], user: User | None) -> Iterator[str]:
    """Addresses at which `user` gets a page with content: no downloads, no redirects, nothing refused."""
    visitor = visit(app, user)
    seen = set()
    for route in routes(app, ids):
        if route.method != "GET" or route.blueprint in TOKEN_BLUEPRINTS or route.path in seen:
            continue
        seen.add(route.path)
        answer = visitor.get(route.path)
        assert answer.status_code < 500, f"{route}: {answer.status}"
        if answer.status_code == 200 and answer.mimetype == "text/html":
            yield route.path
