"""Moving the stop of one position from the administration. The rules are those of `services.positions`; the
order at the exchange follows by a worker."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.admin.access import actor
from portal.admin.confirming import found
from portal.admin.routing import route
from portal.errors import ConflictError, ValidationError
from portal.models import ExecutionPosition
from portal.services import positions
from portal.trading.types import PositionStatus
from portal.web import protection_words


def can_move(position: ExecutionPosition) -> bool:
    """Whether its stop may still be moved."""
    return position.status is PositionStatus.OPEN and position.close_reason is None


class StopPages:
    """A page below a position; mixed into the view of positions, which renders and keeps strangers out."""

    render: Any

    @route("/stop/<row_id:position_id>", methods=("GET", "POST"))
    def move_stop(self, position_id: int) -> ResponseReturnValue:
        """Ask for a price, then move the stop there."""
        position = found(ExecutionPosition, position_id)
        if request.method != "POST":
            return self._ask(position, {})
        before = position.sl_price
        try:
            positions.move_stop(position_id, request.form.get("price", ""), actor=actor())
        except ValidationError as error:
            return self._ask(found(ExecutionPosition, position_id), error.errors), 422
        except ConflictError as error:
            flash(error.message, "error")
        else:
            moved = found(ExecutionPosition, position_id).sl_price != before
            said = protection_words.MOVED if moved else "The stop is there already; nothing was changed."
            flash(said, "success")
        return redirect(url_for(".details_view", id=position_id))

    def _ask(self, position: ExecutionPosition, errors: dict[str, str]) -> str:
        can = can_move(position)
        shown: str = self.render("admin/position_stop.html", position=position, errors=errors, can_move=can)
        return shown
