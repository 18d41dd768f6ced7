"""The description of the API for machines."""

from portal.api.auth import PUBLIC, scope
from portal.api.blueprints import api
from portal.api.openapi import document
from portal.db import JsonDict


@api.get("/openapi.json")
@scope(PUBLIC)
def openapi() -> JsonDict:
    return document()
