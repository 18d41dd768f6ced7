"""Connections without their secrets, and asking for a test. The test itself is a worker's job: the web
process never talks to an exchange."""

from sqlalchemy.orm import selectinload

from portal.api.auth import caller, scope
from portal.api.blueprints import api
from portal.api.paging import as_list, fetch_page, refuse_unknown
from portal.api.shapes import connection_json
from portal.db import JsonDict
from portal.models import ExecutionConnection
from portal.services import connections
from portal.web.scoping import one, visible_to


@api.get("/connections")
@scope("read")
def list_connections() -> JsonDict:
    refuse_unknown()
    query = visible_to(caller(), ExecutionConnection).options(selectinload(ExecutionConnection.preset))
    return as_list(fetch_page(query, ExecutionConnection), connection_json)


@api.post("/connections/<row_id:connection_id>/test")
@scope("positions:write")
def test_connection(connection_id: int) -> tuple[JsonDict, int]:
    user = caller()
    connection = one(visible_to(user, ExecutionConnection), ExecutionConnection, connection_id)
    status = connection.status
    connections.request_test(connection_id, actor=user)
    return {"id": connection_id, "status": status}, 202
