"""The JSON API, the webhook and the health pages. Machines only: no cookies, no sessions, no pages.

Routes read through `web/scoping` and change through `services`; nothing here writes or talks to an exchange.
"""

from flask import Flask

from portal.api import (
    auth,
    connections,
    counting,
    deadline,
    describe,
    errors,
    hooks,
    memory,
    ops,
    positions,
    signals,
)
from portal.api.blueprints import api as api_blueprint
from portal.api.blueprints import hooks as hooks_blueprint
from portal.api.blueprints import ops as ops_blueprint
from portal.web import row_ids

#: Modules whose import adds their routes to the blueprints.
ROUTES = (signals, positions, connections, describe, hooks, ops)

for _blueprint in (api_blueprint, hooks_blueprint, ops_blueprint):
    errors.register(_blueprint)
api_blueprint.before_request(auth.check_request)


def init_app(app: Flask) -> None:
    """Attach the API to the app. Opens no connection. Raises RuntimeError when a route does not say its
    scope."""
    row_ids.init_app(app)
    memory.init_app(app)
    counting.init_app(app)
    deadline.init_app(app)
    app.before_request(errors.answer_unknown_route)
    csrf = app.extensions.get("csrf")
    for blueprint in (api_blueprint, hooks_blueprint, ops_blueprint):
        if csrf is not None:
            # They know a caller by his token alone, which no other site's page can send.
            csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
        auth.require_scopes(app, blueprint.name)
