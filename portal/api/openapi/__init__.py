"""The OpenAPI 3.1 description, kept by hand as data; a test holds every route and real answers against it."""

from functools import cache

from portal.api.openapi import intake, objects, responses, rows
from portal.api.openapi.paths import PATHS
from portal.db import JsonDict

_ABOUT = """\
Portico takes a signal once and turns it into one order on every eligible account.

* Money and quantities are strings with plain digits. They are read from strings or JSON numbers, exactly.
* Times are RFC 3339; answers are in UTC.
* Lists come in pages: pass the answer's `next` as `after` until it is null.
* A signal is published unless it says `"publish": false`.
* Send a `dedupe_key` (or the header `Idempotency-Key`) with every signal: repeating the request is then safe.
* Every error has the same shape; 422 has a reason per field.
"""


@cache
def document() -> JsonDict:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Portico", "version": "1", "description": _ABOUT},
        "paths": PATHS,
        "components": {
            "schemas": intake.SCHEMAS | rows.SCHEMAS | objects.SCHEMAS,
            "responses": responses.RESPONSES,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made with `portal create-token EMAIL --scopes read,signals:write`.",
                }
            },
        },
    }
