"""After a restored backup or a long pause: orders that we sent and forgot. Their ids are derived from what is
stored, so the exchange can be asked for them by name; what it has is taken into the books. Never sends."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from portal import crypto
from portal.db import end_read, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.models import Execution, ExecutionConnection, Order
from portal.services import claims, intents, journal, resolution
from portal.services.notifications import notify
from portal.services.reconciliation.standing import DOWN_AFTER, was_restored_since
from portal.trading.denials import Denial
from portal.trading.direction import entry_leg
from portal.trading.exits import ExitPlan, derive_exits
from portal.trading.instrument import Instrument
from portal.trading.orders import OrderRef, OrderReport, client_order_id
from portal.trading.planning import EntryPlan
from portal.trading.preset import PresetRules
from portal.trading.proof import MAX_GENERATIONS
from portal.trading.signal import SignalTerms
from portal.trading.types import NotificationType, OrderType, SignalAction, TimeInForce

_AFTER_PLACING = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An execution that may have been carried out before the books were set back."""

    execution: Execution
    token: str
    terms: SignalTerms
    rules: PresetRules


def is_old(execution: Execution) -> bool:
    """It may be the row of a backup: pending for longer than any running system leaves an execution, or begun
    anew by `restored`. Reads only."""
    if utcnow() - execution.created_at > DOWN_AFTER:
        return True
    return execution.rerun_at is not None and was_restored_since(execution.created_at)


def adopt_entry(forgotten: Forgotten, exchange: Exchange, instrument: Instrument) -> bool:
    """Ask the exchange for the order that this execution would have sent, and take it into the books if it is
    there; follow it like any other. False: it does not have one.

    Owns its transactions; may be repeated: an order is adopted once. Raises ExchangeError without an
    answer."""
    execution = forgotten.execution
    if execution.action is not SignalAction.OPEN:
        return False
    for generation in range(execution.generation, max(MAX_GENERATIONS, execution.generation + 1)):
        key = intents.entry_key(execution.id, generation)
        name = client_order_id(crypto.keyring().install_key, key)
        since = execution.created_at - _AFTER_PLACING
        trigger = forgotten.terms.order_type is OrderType.STOP
        end_read()
        report = exchange.find_order(OrderRef(name, instrument.symbol, since, trigger=trigger)).report
        if report is not None:
            order_id = _write(forgotten, report, instrument, generation)
            if order_id is not None:
                resolution.ask_now(order_id, exchange)
            return True
    return False


def _write(forgotten: Forgotten, report: OrderReport, instrument: Instrument, generation: int) -> int | None:
    """The order row that was lost, in flight, so that it is asked about like any other."""
    with transaction() as session:
        execution = claims.lock_mine(forgotten.execution.id, forgotten.token)
        if execution is None or execution.connection_id is None:
            return None
        connection = session.get_one(ExecutionConnection, execution.connection_id)
        plan = _plan(forgotten, report, instrument, connection)
        if plan is None:
            return None
        execution.generation = generation
        order: Order = intents.write_entry(execution, connection, plan, forgotten.rules)
        order.sent_at = execution.created_at
        order.not_after = execution.created_at
        order.next_query_at = utcnow()
        said = f"The exchange has an order of ours that the books had lost: {report.exchange_order_id}"
        journal.note("adopted", said, execution=execution, order=order)
        title = f"An order for {instrument.symbol} was found again"
        notify(NotificationType.ERROR, title, f"{said}. It is in the books now.", execution=execution)
        return order.id


def _plan(
    forgotten: Forgotten, report: OrderReport, instrument: Instrument, connection: ExecutionConnection
) -> EntryPlan | None:
    """The plan as it must have been, from what the exchange shows; without exits that it cannot have had."""
    terms, rules = forgotten.terms, forgotten.rules
    leg = entry_leg(terms.direction, instrument.market_type, connection.position_mode, Decimal(1))
    if isinstance(leg, Denial):
        return None
    price = report.average_price or report.price or report.trigger_price or Decimal(0)
    exits = derive_exits(rules, terms, leg, price, instrument) if price else ExitPlan(None, ())
    if isinstance(exits, Denial):
        exits = ExitPlan(None, ())
    order_type = terms.order_type or rules.order_type
    return EntryPlan(
        instrument=instrument,
        leg=leg,
        order_type=order_type,
        quantity=report.quantity,
        price=report.price if order_type is OrderType.LIMIT else None,
        trigger_price=report.trigger_price,
        time_in_force=terms.time_in_force or TimeInForce.STANDARD,
        reference_price=price,
        sl_price=exits.sl_price,
        targets=exits.targets,
        notional=instrument.notional(report.quantity, price),
    )
