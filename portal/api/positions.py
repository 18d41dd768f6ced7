"""Positions, and asking for their close. Closing itself is a worker's job."""

from flask import request

from portal.api.auth import caller, scope
from portal.api.blueprints import api
from portal.api.paging import as_list, fetch_page, read_number, refuse_unknown
from portal.api.shapes import position_json
from portal.db import JsonDict
from portal.errors import ValidationError
from portal.models import ExecutionConnection, ExecutionPosition
from portal.services import positions
from portal.trading.types import PositionStatus
from portal.web.scoping import one, visible_to


@api.get("/positions")
@scope("read")
def list_positions() -> JsonDict:
    refuse_unknown(known=("status", "connection_id"))
    user = caller()
    query = visible_to(user, ExecutionPosition)
    status = _read_status()
    if status is not None:
        query = query.where(ExecutionPosition.status == status)
    connection_id = read_number("connection_id", largest=2**63 - 1)
    if connection_id is not None:
        one(visible_to(user, ExecutionConnection), ExecutionConnection, connection_id)
        query = query.where(ExecutionPosition.connection_id == connection_id)
    return as_list(fetch_page(query, ExecutionPosition), position_json)


@api.post("/positions/<row_id:position_id>/close")
@scope("positions:write")
def close_position(position_id: int) -> tuple[JsonDict, int]:
    user = caller()
    one(visible_to(user, ExecutionPosition), ExecutionPosition, position_id)
    positions.request_close(position_id, actor=user)
    return {"id": position_id, "status": PositionStatus.CLOSING}, 202


def _read_status() -> PositionStatus | None:
    text = request.args.get("status")
    if text is None:
        return None
    try:
        return PositionStatus(text)
    except ValueError:
        known = ", ".join(PositionStatus)
        raise ValidationError({"status": f"must be one of {known}"}) from None
