"""Closing a position: its own intent per version, reduce-only on derivatives, what is really there on spot.
The same protocol as an entry: read, intend, place once, record."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, end_read, transaction, utcnow
from portal.exchanges import sound_prices
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Order
from portal.services import ending, intents, journal, marks, placing, venues, waiting
from portal.services.intents import Draft, Intended
from portal.services.protection import removing
from portal.services.traffic_lanes import Purpose
from portal.trading.denials import Denial, DenialCode
from portal.trading.instrument import Instrument
from portal.trading.orders import Balance
from portal.trading.planning import ClosePlan, plan_close
from portal.trading.price_sanity import Anchor
from portal.trading.prices import worst_price
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    MarketType,
    OrderRole,
    OrderType,
    PositionMode,
    PositionStatus,
)

logger = logging.getLogger(__name__)

_ZERO = Decimal(0)
#: A holding that the exchange has not shown for so long was sold or moved by somebody else.
_GONE_AFTER = timedelta(seconds=60)
#: How far beyond the mark a close may fill on venues that take market orders only with a limit: it must get
#: out.
_CLOSE_SLIPPAGE_BPS = Decimal(500)
_DUST = (DenialCode.QUANTITY_BELOW_MINIMUM, DenialCode.NOTIONAL_BELOW_MINIMUM, DenialCode.NOTHING_TO_CLOSE)
_ROLES = {
    ClosedReason.STOP_LOSS: OrderRole.STOP_LOSS,
    ClosedReason.TRAILING: OrderRole.STOP_LOSS,
    ClosedReason.TAKE_PROFIT: OrderRole.TAKE_PROFIT,
}


@dataclass(frozen=True, slots=True)
class _Wish:
    position_id: int
    version: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What was read before the row was locked."""

    instrument: Instrument
    position_mode: PositionMode
    held: Balance | None
    mark: Decimal | None

    @property
    def total(self) -> Decimal | None:
        return self.held.total if self.held is not None else None

    def plan(self, position: ExecutionPosition, available: Decimal | None) -> ClosePlan | Denial:
        """The close of a locked position, when so much of the base currency is `available` (None: enough)."""
        return plan_close(
            min(position.close_quantity or position.quantity, position.quantity),
            available,
            self.instrument,
            position.position_side,
            self.position_mode,
            price=self.mark,
        )


def run_close(position_id: int) -> None:
    """Carry out the close that the row asks for, if it is not under way.

    Owns its transactions; may be called any number of times by anybody: the row lock and the position's
    version let one order through. Exits pass every halt. A failed read or a refused order is tried again by
    the sweeper."""
    end_read()
    with transaction() as session:
        position = session.get(ExecutionPosition, position_id)
        if position is None or not _wanted(position) or position.connection is None:
            return
        wish, connection = _Wish(position.id, position.version), position.connection
        _ = connection.credentials
        whole = position.close_quantity is None
        entry = Order.position_id == position.id
    if whole:
        _withdraw_entry(connection, entry)
    try:
        with venues.exchange_for(connection, Purpose.VITAL) as exchange:
            if removing.make_way(position_id, exchange):
                _close(wish, connection, exchange)
            else:
                _postpone(position_id, "what rests at the exchange for it could not be taken off yet")
    except ExchangeError as error:
        _postpone(position_id, str(error), error.retry_after)
    except DecryptionError as error:
        _postpone(position_id, str(error))


def _wanted(position: ExecutionPosition) -> bool:
    due = position.next_close_at is None or position.next_close_at <= utcnow()
    return position.status is PositionStatus.OPEN and position.close_reason is not None and due


def _withdraw_entry(connection: ExecutionConnection, entry: sa.ColumnElement[bool]) -> None:
    """Nothing of the entry shall be filled once its position is closed. Getting out does not wait for it:
    what
    is filled all the same opens the position again, to be closed again."""
    try:
        waiting.withdraw(connection, entry)
    except (ExchangeError, DecryptionError) as error:
        logger.warning("the rest of an entry could not be canceled before its position closes: %s", error)


def _close(wish: _Wish, connection: ExecutionConnection, exchange: Exchange) -> None:
    with transaction() as session:
        position = session.get_one(ExecutionPosition, wish.position_id)
        symbol, anchor = position.symbol, marks.of(position)
    instrument = exchange.instruments().get(symbol)
    if instrument is None:
        _postpone(wish.position_id, f"{symbol} is not listed by the exchange any more")
        return
    held = _held(exchange, instrument)
    mark = _mark(exchange, symbol, anchor)
    with transaction() as session:
        position = session.get_one(
            ExecutionPosition, wish.position_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if not _wanted(position) or position.version != wish.version:
            return
        look = _Look(instrument, connection.position_mode, held, mark or position.mark_price)
        plan = look.plan(position, held.free if held else None)
        if isinstance(plan, Denial):
            _not_closable(position, plan, look)
            return
        price = None
        if venues.wants_price(exchange, OrderType.MARKET, plan.leg.side) and look.mark is not None:
            price = worst_price(look.mark, plan.leg.side, _CLOSE_SLIPPAGE_BPS, instrument)
        intended = _intend(position, connection, plan, price)
    placing.place(intended, exchange)


def _held(exchange: Exchange, instrument: Instrument) -> Balance | None:
    """What a spot account really holds of the base currency; None on derivatives."""
    if instrument.market_type is not MarketType.SPOT:
        return None
    nothing = Balance(instrument.base, _ZERO, _ZERO)
    return exchange.balances(MarketType.SPOT).get(instrument.base, nothing)


def _mark(exchange: Exchange, symbol: str, anchor: Anchor | None) -> Decimal | None:
    """The price now, if it may be acted on, which only minimums and worst prices need: an exit does not fail
    for want of it."""
    try:
        read = sound_prices.read(exchange, [symbol], {symbol: anchor} if anchor else {})
    except ExchangeError as error:
        logger.info("closing %s without a fresh price: %s", symbol, error)
        return None
    return read[symbol].mark


def _intend(
    position: ExecutionPosition, connection: ExecutionConnection, plan: ClosePlan, price: Decimal | None
) -> Intended:
    """T2 of a close: the order row in flight and the position closing, in one transaction. Does not
    commit."""
    reason = position.close_reason or ClosedReason.MANUAL
    order = intents.freeze(
        connection,
        Draft(
            intent_key=f"position-{position.id}:close:{position.version}",
            role=_ROLES.get(reason, OrderRole.CLOSE),
            symbol=position.symbol,
            side=plan.leg.side,
            position_side=position.position_side,
            order_type=OrderType.MARKET,
            quantity=plan.quantity,
            price=price,
            reduce_only=plan.leg.reduce_only,
            position_mode=connection.position_mode,
            reference_price=position.mark_price,
        ),
    )
    order.position_id = position.id
    order.execution_id = position.close_execution_id
    position.status = PositionStatus.CLOSING
    session = db.session
    session.add(order)
    if position.close_execution_id is not None:
        execution = session.get_one(Execution, position.close_execution_id)
        if execution.status is ExecutionStatus.PENDING:
            execution.status = ExecutionStatus.IN_FLIGHT
        execution.intended_at = order.sent_at
    session.flush()
    return Intended(order.id, intents.request_of(order))


def _not_closable(position: ExecutionPosition, denial: Denial, look: _Look) -> None:
    """Nothing was sent. What is too small to be sold is booked as dust; what the account does not have free
    now is waited for, and called gone when it stays away; the rest waits for a person."""
    journal.note("close_denied", denial.message, position=position, code=denial.code.value)
    if denial.code not in _DUST:
        ending.postpone(position, denial.message, retry_after=60)
    elif isinstance(look.plan(position, None), Denial):
        if position.close_quantity is not None:
            ending.finish_targets(position)
        else:
            ending.finish(position, dust=position.quantity, denial=denial)
    elif isinstance(look.plan(position, look.total), Denial) and _looked_long_enough(position):
        position.close_reason = ClosedReason.EXTERNAL
        ending.finish(position, dust=position.quantity, denial=denial)
    else:
        ending.postpone(position, f"the exchange shows no {position.base} that is free to be sold")


def _looked_long_enough(position: ExecutionPosition) -> bool:
    """Balances lag behind fills: one look proves nothing."""
    return utcnow() - (position.close_requested_at or utcnow()) > _GONE_AFTER


def _postpone(position_id: int, why: str, retry_after: int | None = None) -> None:
    end_read()
    with transaction() as session:
        position = session.get_one(
            ExecutionPosition, position_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if _wanted(position):
            ending.postpone(position, f"{why}. Nothing was sent", retry_after=retry_after)
