"""Writing down that something of ours is gone from a venue: as the orders and trades that took it, or, when
no trade says so, as exactly that. One transaction, under the locks of the positions; sends nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from portal import crypto
from portal.db import db, transaction, utcnow
from portal.models import ExecutionPosition, Fill, Order
from portal.services import booking, ending, journal
from portal.services.books_of import fees_as_stored
from portal.services.notifications import notify
from portal.services.reconciliation import differences, our_side
from portal.services.reconciliation.evidence import Whose
from portal.trading.denials import DenialCode, deny
from portal.trading.numbers import text
from portal.trading.orders import FillReport, client_order_id
from portal.trading.reconcile import Subject
from portal.trading.reconcile_shares import Attribution, Share
from portal.trading.types import (
    ClosedReason,
    NotificationType,
    OrderRole,
    OrderState,
    OrderType,
    TimeInForce,
)

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be written, and the state of the books that it was found in."""

    connection_id: int
    subject: Subject
    fence: str
    attribution: Attribution
    orders: Mapping[str, Whose]
    #: Why no trade explains the rest.
    silence: str


def settle(case: Case) -> list[str]:
    """Book `case`. Returns a sentence for each position that it changed; none when the books have moved
    since, so that nothing of it is certain any more. Commits; may be repeated: a trade is booked once."""
    shares: dict[int, list[Share]] = {}
    for share in case.attribution.shares:
        shares.setdefault(share.position_id, []).append(share)
    silent = dict(case.attribution.unexplained)
    with transaction():
        positions = _lock(sorted({*shares, *silent}))
        ours = our_side.read(case.connection_id)
        if ours.fence(case.subject) != case.fence or ours.is_moving(case.subject):
            return []
        said = [
            _settle_one(case, position, shares.get(position.id, []), silent.get(position.id, _ZERO))
            for position in positions
        ]
        differences.forget(case.connection_id, case.subject)
        return said


def _lock(ids: Sequence[int]) -> Sequence[ExecutionPosition]:
    return (
        db.session.execute(
            sa.select(ExecutionPosition)
            .where(ExecutionPosition.id.in_(ids))
            .order_by(ExecutionPosition.opened_at, ExecutionPosition.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )


def _settle_one(case: Case, position: ExecutionPosition, shares: list[Share], silent: Decimal) -> str:
    before = position.quantity
    for share in shares:
        _book(case, position, share.fill)
    position.unexplained_quantity += silent
    booking.refresh(position)
    reason = _reason(position, [case.orders[share.fill.exchange_order_id] for share in shares])
    forced = reason is ClosedReason.LIQUIDATION
    said = _words(position, before - position.quantity, reason, silent, case.silence)
    journal.note("external_close", said, position=position, unexplained=silent, reason=reason.value)
    if silent:
        title = f"{position.currency_pair}: {text(silent)} is gone and no trade says how"
        notify(NotificationType.ERROR, title, said, position=position)
    if position.quantity < position.lot_size:
        position.close_reason = reason
        denial = deny(DenialCode.NOTHING_TO_CLOSE, held=_ZERO)
        ending.finish(position, dust=position.quantity, denial=denial)
    elif not silent:
        kind = NotificationType.LIQUIDATION if forced else NotificationType.CLOSE
        notify(kind, f"{position.currency_pair} became smaller at the exchange", said, position=position)
    return said


def _reason(position: ExecutionPosition, orders: Sequence[Whose]) -> ClosedReason:
    """What closed it, by the last order that did."""
    if any(each.forced for each in orders):
        return ClosedReason.LIQUIDATION
    lost = next((each.lost_key for each in reversed(orders) if each.lost_key), None)
    if lost is None:
        return ClosedReason.EXTERNAL
    known = {OrderRole.STOP_LOSS: ClosedReason.STOP_LOSS, OrderRole.TAKE_PROFIT: ClosedReason.TAKE_PROFIT}
    return known.get(_role(lost)) or position.close_reason or ClosedReason.MANUAL


def _role(key: str | None) -> OrderRole:
    leg = (key or "").rpartition(":")[2]
    if leg == "sl":
        return OrderRole.STOP_LOSS
    return OrderRole.TAKE_PROFIT if leg.startswith("tp") else OrderRole.CLOSE


def _words(
    position: ExecutionPosition, gone: Decimal, reason: ClosedReason, silent: Decimal, silence: str
) -> str:
    who = {
        ClosedReason.LIQUIDATION: "The exchange liquidated",
        ClosedReason.EXTERNAL: "Somebody else closed",
    }.get(reason, "An order of ours that the books had lost closed")
    parts = []
    if gone - silent > 0:
        parts.append(f"{who} {text(gone - silent)} of {position.currency_pair} at the exchange.")
    if silent > 0:
        parts.append(
            f"{text(silent)} of {position.currency_pair} is not there any more. {silence}; the books say so"
            " until a person does, and its result is not known."
        )
    parts.append(f"{text(position.quantity)} stay open; no order was sent.")
    return " ".join(parts)


def _book(case: Case, position: ExecutionPosition, fill: FillReport) -> None:
    """One trade (or its part) under the row of its foreign order."""
    order = _order_row(case, position, fill)
    stored = Fill(
        connection_id=case.connection_id,
        order_id=order.id,
        position_id=position.id,
        exchange_fill_id=fill.exchange_fill_id,
        exchange_order_id=fill.exchange_order_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        fees=fees_as_stored(fill),
        is_maker=fill.is_maker,
        filled_at=fill.filled_at,
    )
    db.session.add(stored)
    total = order.filled_quantity + fill.quantity
    order.average_price = (
        (order.average_price or _ZERO) * order.filled_quantity + fill.price * fill.quantity
    ) / total
    order.quantity = order.filled_quantity = total
    order.closed_at = max(order.closed_at or fill.filled_at, fill.filled_at)
    db.session.flush()


def _order_row(case: Case, position: ExecutionPosition, fill: FillReport) -> Order:
    lost = case.orders[fill.exchange_order_id].lost_key
    key = lost or f"external-{case.connection_id}-{fill.symbol}-{fill.exchange_order_id}"
    found = db.session.execute(sa.select(Order).where(Order.intent_key == key)).scalar_one_or_none()
    if found is not None:
        return found
    order = _new_order(case, position, fill, key)
    db.session.add(order)
    db.session.flush()
    return order


def _new_order(case: Case, position: ExecutionPosition, fill: FillReport, key: str) -> Order:
    whose, moment = case.orders[fill.exchange_order_id], fill.filled_at
    report = whose.report
    return Order(
        intent_key=key,
        # Of a foreign order it only fills the column; nobody is ever asked about it.
        client_order_id=client_order_id(crypto.keyring().install_key, key),
        connection_id=case.connection_id,
        position_id=position.id,
        role=_role(whose.lost_key),
        is_external=whose.lost_key is None,
        symbol=fill.symbol,
        side=fill.side,
        position_side=position.position_side,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.STANDARD,
        # Grows with each trade that is booked under it; what it closed of others is not ours to keep.
        quantity=fill.quantity,
        filled_quantity=_ZERO,
        payload={
            "external": whose.lost_key is None,
            "client_order_id": report.client_order_id if report else None,
        },
        state=OrderState.FILLED,
        exchange_order_id=fill.exchange_order_id,
        sent_at=moment,
        not_after=moment,
        acknowledged_at=utcnow(),
        closed_at=moment,
        fills_complete=True,
    )
