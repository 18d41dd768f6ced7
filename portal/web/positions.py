"""A person's positions, and closing one by hand. A worker does the closing."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.db import utcnow
from portal.errors import ConflictError, ValidationError
from portal.models import ExecutionLog, ExecutionPosition
from portal.models.position import HELD
from portal.services import positions as service
from portal.services import price_doubts
from portal.services.protection import evidence
from portal.web import protection_words
from portal.web.access import me, pages
from portal.web.paging import latest, page_of
from portal.web.scoping import one, owned_by

positions = pages("positions", __name__, "/positions")

_LOG_LINES = 100


@positions.get("")
def index() -> str:
    query = owned_by(me(), ExecutionPosition)
    show_all = request.args.get("show") == "all"
    if not show_all:
        query = query.where(ExecutionPosition.status.in_(HELD))
    page = page_of(query, ExecutionPosition)
    guards = evidence.resting([position.id for position in page.rows if position.status in HELD])
    return render_template("web/positions.html", page=page, guards=guards, show_all=show_all)


@positions.get("/<row_id:position_id>")
def show(position_id: int) -> str:
    position = _mine(position_id)
    logs = owned_by(me(), ExecutionLog).where(ExecutionLog.position_id == position.id)
    return render_template(
        "web/position.html",
        position=position,
        guards=evidence.resting([position.id]).get(position.id, []),
        ended=evidence.ended(position.id),
        unpriced=price_doubts.explain(position, utcnow()),
        logs=latest(logs, ExecutionLog, _LOG_LINES)[::-1],
    )


@positions.get("/<row_id:position_id>/close")
def confirm_close(position_id: int) -> str:
    return render_template("web/position_close.html", position=_mine(position_id))


@positions.post("/<row_id:position_id>/close")
def close(position_id: int) -> Response:
    position = _mine(position_id)
    pair = position.currency_pair
    try:
        service.request_close(position.id, actor=me())
    except ConflictError as error:
        flash(error.message, "error")
    else:
        flash(f"A worker closes {pair} at the market now. The result appears here in a moment.", "success")
    return redirect(url_for("positions.show", position_id=position_id))


@positions.get("/<row_id:position_id>/stop")
def edit_stop(position_id: int) -> str:
    return render_template("web/position_stop.html", position=_mine(position_id), errors={})


@positions.post("/<row_id:position_id>/stop")
def move_stop(position_id: int) -> Response | tuple[str, int]:
    position = _mine(position_id)
    try:
        service.move_stop(position.id, request.form.get("price", ""), actor=me())
    except ValidationError as error:
        page = render_template("web/position_stop.html", position=_mine(position_id), errors=error.errors)
        return page, 422
    except ConflictError as error:
        flash(error.message, "error")
    else:
        flash(protection_words.MOVED, "success")
    return redirect(url_for("positions.show", position_id=position_id))


def _mine(position_id: int) -> ExecutionPosition:
    return one(owned_by(me(), ExecutionPosition), ExecutionPosition, position_id)
