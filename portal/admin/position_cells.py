"""The cells of the list of positions: prices with their age and distance, results in percent, protection with
its proof. The proof of all rows is read at once and kept for the request."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import g
from markupsafe import Markup

from portal.admin.values import NOTHING, Formatter
from portal.models import ExecutionPosition, Order
from portal.services.marks import WATCHED
from portal.services.protection import evidence
from portal.web import position_figures, protection_words, words
from portal.web.formatting import money, number, status_badge, when


def remember(rows: Iterable[ExecutionPosition]) -> None:
    """Read the guards of the open ones among `rows`, for the cells of this request."""
    g.guards_of_positions = evidence.resting([row.id for row in rows if row.status in WATCHED])


def _guards(position: ExecutionPosition) -> list[Order]:
    found: list[Order] = g.get("guards_of_positions", {}).get(position.id, [])
    return found


def _small(text: Any) -> Markup:
    return Markup('<div class="small-text muted nowrap">{}</div>').format(text)


def _market(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    held = position.quantity if position.status in WATCHED else position.entry_quantity
    size = number(held, words.unit(position))
    return Markup("{} {}").format(position.currency_pair, position.position_side.value) + _small(size)


def _status(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    badge, why = status_badge(position.status), position.closed_reason
    return badge if why is None else badge + _small(words.CLOSED[why])


def _quantity(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    return number(position.quantity, words.unit(position))


def _entry(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    return number(position.average_entry_price, position.quote)


def _exit(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    return number(position.average_exit_price, position.quote)


def _mark(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    entry = _small(Markup("entry {}").format(number(position.average_entry_price)))
    if position.status not in WATCHED:
        return number(position.average_exit_price, position.quote) + entry
    if position.mark_price is None:
        return NOTHING + entry
    return number(position.mark_price, position.quote) + entry + _small(when(position.marked_at))


def _result(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    """What it would bring now, or what it brought."""
    if position.status not in WATCHED:
        return money(position.realized_pnl, position.settle, signed=True)
    percent = position_figures.profit_percent(position)
    result = money(position.unrealized_pnl, position.settle, signed=True)
    return result if percent is None else result + _small(number(percent, "%", signed=True))


def _stop(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    """The stop, and the next target below it."""
    stop = position.sl_price
    shown = NOTHING if stop is None else number(stop, position.quote)
    return shown + _away(position, stop, "stop") + _away(position, position.next_tp_price, "target")


def _away(position: ExecutionPosition, price: Decimal | None, to: str) -> Markup:
    if price is None or position.status not in WATCHED:
        return Markup("")
    distance = position_figures.distance_percent(position, price)
    return Markup("") if distance is None else _small(f"{position_figures.signed(distance)} % {to}")


def _protection(_view: Any, _context: Any, position: ExecutionPosition, _name: str) -> Markup:
    if position.status not in WATCHED:
        return NOTHING
    guards = _guards(position)
    proof = protection_words.brief(guards) or ["nothing rests there"]
    late = evidence.is_behind(position, guards)
    looked = Markup("waits for proof") if late else when(protection_words.last_looked_at(position, guards))
    return status_badge(position.protection) + Markup("").join(map(_small, proof)) + _small(looked)


CELLS: dict[str, Formatter] = {
    "quantity": _quantity,
    "average_entry_price": _entry,
    "average_exit_price": _exit,
    "mark_price": _mark,
    "unrealized_pnl": _result,
    "currency_pair": _market,
    "status": _status,
    "sl_price": _stop,
    "protection": _protection,
}
