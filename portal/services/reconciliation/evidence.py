"""The venue's own account of a shortage: its trades that are neither ours nor booked, and whose orders they
were. Asks, never sends; outside of transactions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from portal import crypto
from portal.db import db, end_read
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.exchanges.venues import ClientIdShape, shape_client_order_id
from portal.exchanges.venues_table import venue
from portal.models import ExecutionConnection, Fill, Order
from portal.services import fee_rates
from portal.trading.orders import FillReport, OrderRef, OrderReport, client_order_id
from portal.trading.reconcile import Held, Subject
from portal.trading.reconcile_shares import PART

#: Exits of one position that are recognised after the books have lost them.
_MOST_VERSIONS = 50
_GUARDS = ("sl", "tp0", "tp1", "tp2")
#: Clocks differ: trades from shortly before the oldest position count, too.
_LOOK_BACK = timedelta(seconds=5)


class BehindError(Exception):
    """The venue shows trades of ours that are not in the books yet. They come first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Foreign trades on the symbols of one subject."""

    fills: Sequence[FillReport] = ()
    #: False: this venue lists no trades at all.
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Whose:
    """What is known of one foreign order."""

    exchange_order_id: str
    report: OrderReport | None = field(default=None)
    #: The exchange closed it by itself: liquidation or auto-deleveraging.
    forced: bool = False
    #: It is one of ours that the books had lost: what its id was derived from.
    lost_key: str | None = None


def foreign_fills(
    connection_id: int, exchange: Exchange, subject: Subject, held: Collection[Held]
) -> Evidence:
    """Trades since the oldest of `held` that belong to no order of ours. Raises ExchangeError without an
    answer, and BehindError when trades of our own orders are missing in the books. May be repeated."""
    since = min(each.opened_at for each in held) - _LOOK_BACK
    read: list[FillReport] = []
    for symbol in sorted({each.symbol for each in held}):
        try:
            read += exchange.fills(symbol, since)
        except ExchangeError as error:
            if error.code is not ErrorCode.UNSUPPORTED:
                raise
            return Evidence(listed=False)
    foreign = _without_ours(connection_id, read)
    ours = [each for each in foreign if each.position_side in (None, subject.position_side)]
    return Evidence(fee_rates.priced(ours, exchange))


def _without_ours(connection_id: int, read: Sequence[FillReport]) -> list[FillReport]:
    symbols = {each.symbol for each in read}
    stored = db.session.execute(
        sa.select(Fill.exchange_fill_id).where(
            Fill.connection_id == connection_id,
            Fill.symbol.in_(symbols),
            Fill.exchange_fill_id.in_([each.exchange_fill_id for each in read]),
        )
    ).scalars()
    booked = {each.partition(PART)[0] for each in stored}
    ours = _our_order_ids(connection_id, {each.exchange_order_id for each in read})
    end_read()
    unknown = [each for each in read if each.exchange_fill_id not in booked]
    if any(each.exchange_order_id in ours for each in unknown):
        raise BehindError
    return unknown


def _our_order_ids(connection_id: int, ids: Collection[str]) -> frozenset[str]:
    """Which of the venue's order ids are orders that we sent, or what those became."""
    rows = db.session.execute(
        sa.select(Order.exchange_order_id, Order.working_order_id).where(
            Order.connection_id == connection_id,
            ~Order.is_external,
            sa.or_(Order.exchange_order_id.in_(ids), Order.working_order_id.in_(ids)),
        )
    )
    return frozenset(each for row in rows for each in row if each)


def whose(
    connection: ExecutionConnection,
    exchange: Exchange,
    held: Collection[Held],
    fills: Sequence[FillReport],
) -> Whose:
    """Ask the venue for the one foreign order that `fills` are of, which closed some of `held`. Raises
    ExchangeError without an answer. May be repeated."""
    order_id, symbol = fills[0].exchange_order_id, fills[0].symbol
    marked = any(fill.forced for fill in fills)
    since = min(each.opened_at for each in held) - _LOOK_BACK
    report = exchange.find_order(OrderRef("", symbol, since, exchange_order_id=order_id)).report
    if report is None or report.exchange_order_id != order_id:
        return Whose(order_id, forced=marked)
    entry, named = venue(connection.exchange_name), report.client_order_id or ""
    marks = entry.forced_prefixes
    forced = marked or report.forced or (bool(marks) and named.startswith(marks))
    return Whose(order_id, report, forced, _lost_keys(held, entry.id_shape).get(named) if named else None)


def _lost_keys(held: Collection[Held], shape: ClientIdShape) -> dict[str, str]:
    """How the exits of these positions are called at the venue, whether the books know them or not."""
    install_key = crypto.keyring().install_key
    keys = (
        f"position-{each.position_id}:{leg}"
        for each in held
        for number in range(_MOST_VERSIONS)
        for leg in (f"close:{number}", *(f"guard:{number}:{kind}" for kind in _GUARDS))
    )
    names: dict[str, str] = {}
    for key in keys:
        name = client_order_id(install_key, key)
        names[name] = names[str(shape_client_order_id(name, shape))] = key
    return names
