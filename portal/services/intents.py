"""The row that says what is about to be sent, written once the last gate is passed. Nothing is sent without
a committed row that names id, payload and deadline."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from flask import current_app

from portal import crypto
from portal.config import Settings
from portal.db import JsonDict, db, transaction, utcnow
from portal.models import Execution, ExecutionConnection, Order
from portal.services import claims, gate
from portal.trading.denials import Denial
from portal.trading.instrument import Instrument
from portal.trading.orders import OrderRequest, client_order_id
from portal.trading.planning import EntryPlan
from portal.trading.preset import PresetRules
from portal.trading.types import (
    ExecutionStatus,
    MarginMode,
    OrderRole,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)

#: A request in flight that was not recorded this long after its intent belongs to nobody: the sweeper asks.
PLACING_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Intended:
    """A committed intent: the order row's id, and the request exactly as it was frozen."""

    order_id: int
    request: OrderRequest
    #: Entries heed the switches up to the last moment; exits pass them all.
    is_entry: bool = False
    #: Entries: the market's rules by which it was sized.
    instrument: Instrument | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What an order row is made of."""

    intent_key: str
    role: OrderRole
    symbol: str
    side: Side
    position_side: PositionSide
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.STANDARD
    reduce_only: bool = False
    position_mode: PositionMode = PositionMode.ONE_WAY
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    reference_price: Decimal | None = None


def intend_entry(
    execution_id: int, token: str, plan: EntryPlan, rules: PresetRules
) -> Intended | Denial | None:
    """T2: still ours, still allowed, still within the limits? Then the order row, in flight, and commit.

    The connection's row lock makes limits hold under parallel signals. None = the claim was lost; nothing
    is sent."""
    read_at = utcnow()
    with transaction() as session:
        execution = claims.lock_mine(execution_id, token)
        if execution is None or execution.connection_id is None:
            return None
        connection = session.get(
            ExecutionConnection, execution.connection_id, with_for_update={"key_share": True}
        )
        if connection is None:
            return None
        denial = gate.pass_or_deny(execution, connection, plan, rules)
        if denial is not None:
            return denial
        order = write_entry(execution, connection, plan, rules)
        execution.read_at, execution.intended_at = read_at, order.sent_at
        return Intended(order.id, request_of(order), is_entry=True, instrument=plan.instrument)


def entry_key(execution_id: int, generation: int) -> str:
    """What the id of an entry is derived from."""
    return f"execution-{execution_id}:entry:{generation}"


def write_entry(
    execution: Execution, connection: ExecutionConnection, plan: EntryPlan, rules: PresetRules
) -> Order:
    """The order row of a locked execution, in flight, and the execution with it. Flushes; does not commit."""
    order = freeze(connection, _entry_draft(execution, connection, plan, rules))
    order.execution_id, order.generation = execution.id, execution.generation
    order.notional = plan.notional
    order.payload = {**order.payload, "exits": _exits(plan, rules), "instrument": _instrument(plan)}
    execution.status = ExecutionStatus.IN_FLIGHT
    db.session.add(order)
    db.session.flush()
    return order


def freeze(connection: ExecutionConnection, draft: Draft) -> Order:
    """A new order row in flight with its validity window. Does not add it to the session."""
    settings: Settings = current_app.extensions["portal_settings"]
    now = utcnow()
    return Order(
        intent_key=draft.intent_key,
        client_order_id=client_order_id(crypto.keyring().install_key, draft.intent_key),
        connection_id=connection.id,
        role=draft.role,
        symbol=draft.symbol,
        side=draft.side,
        position_side=draft.position_side,
        order_type=draft.order_type,
        time_in_force=draft.time_in_force,
        quantity=draft.quantity,
        price=draft.price,
        trigger_price=draft.trigger_price,
        reduce_only=draft.reduce_only,
        reference_price=draft.reference_price,
        payload={
            "position_mode": draft.position_mode.value,
            "leverage": _text(draft.leverage),
            "margin_mode": draft.margin_mode.value if draft.margin_mode else None,
        },
        sent_at=now,
        not_after=now + timedelta(seconds=settings.order_window_seconds),
        next_query_at=now + timedelta(seconds=PLACING_SECONDS),
    )


def request_of(order: Order) -> OrderRequest:
    """The request that `order` stands for, from the row alone."""
    leverage, margin = order.payload.get("leverage"), order.payload.get("margin_mode")
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        quantity=order.quantity,
        sent_at=order.sent_at,
        not_after=order.not_after,
        price=order.price,
        trigger_price=order.trigger_price,
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only,
        position_side=order.position_side,
        position_mode=PositionMode(order.payload["position_mode"]),
        leverage=Decimal(leverage) if leverage else None,
        margin_mode=MarginMode(margin) if margin else None,
        takes_profit=order.is_guard and order.role is OrderRole.TAKE_PROFIT,
    )


def _entry_draft(
    execution: Execution, connection: ExecutionConnection, plan: EntryPlan, rules: PresetRules
) -> Draft:
    swap = plan.instrument.market_type.value == "swap"
    return Draft(
        intent_key=entry_key(execution.id, execution.generation),
        role=OrderRole.ENTRY,
        symbol=plan.instrument.symbol,
        side=plan.leg.side,
        position_side=plan.leg.position_side,
        order_type=plan.order_type,
        quantity=plan.quantity,
        price=plan.price,
        trigger_price=plan.trigger_price,
        time_in_force=plan.time_in_force,
        reduce_only=plan.leg.reduce_only and swap,
        position_mode=connection.position_mode,
        leverage=rules.leverage if swap else None,
        margin_mode=rules.margin_mode if swap else None,
        reference_price=plan.reference_price,
    )


def _exits(plan: EntryPlan, rules: PresetRules) -> JsonDict:
    targets = [{"price": _text(t.price), "close_fraction": _text(t.close_fraction)} for t in plan.targets]
    return {
        "sl_price": _text(plan.sl_price),
        "targets": targets,
        "break_even_at_r": _text(rules.break_even_at_r),
        "trailing_stop_percent": _text(rules.trailing_stop_percent),
        "trailing_activation_percent": _text(rules.trailing_activation_percent),
        "trailing_stop_distance": _text(rules.trailing_stop_distance),
        "trailing_activation_distance": _text(rules.trailing_activation_distance),
        "when_unprotected": rules.when_unprotected.value,
    }


def _instrument(plan: EntryPlan) -> JsonDict:
    market = plan.instrument
    return {
        "base": market.base,
        "quote": market.quote,
        "settle": market.settle,
        "market_type": market.market_type.value,
        "linear": market.linear,
        "contract_size": _text(market.contract_size),
        "tick_size": _text(market.tick_size),
        "lot_size": _text(market.lot_size),
        "min_quantity": _text(market.min_quantity),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
