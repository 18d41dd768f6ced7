"""The three blueprints of the API. No routes here: the modules beside this one add them."""

from flask import Blueprint

#: `/api/v1`: Bearer tokens.
api = Blueprint("api", __name__, url_prefix="/api/v1")
#: `/hooks`: the token is in the address.
hooks = Blueprint("hooks", __name__, url_prefix="/hooks")
#: `/healthz`, `/readyz`, `/metrics`.
ops = Blueprint("ops", __name__)
