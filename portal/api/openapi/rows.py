"""Signals and executions, as they are shown."""

from portal.api.openapi.build import (
    COUNT,
    DECIMAL,
    FLAG,
    MOMENT,
    ROW_ID,
    TEXT,
    closed,
    described,
    nullable,
    one_of,
    page_of,
)
from portal.db import JsonDict
from portal.trading.types import ExecutionStatus, MarketType, OrderType, Side, SignalAction, TimeInForce

_SIGNAL: JsonDict = {
    "id": ROW_ID,
    "currency_pair": TEXT,
    "direction": one_of(Side),
    "action": one_of(SignalAction),
    "order_type": nullable(one_of(OrderType)),
    "time_in_force": nullable(one_of(TimeInForce)),
    "open_price": nullable(DECIMAL),
    "sl": nullable(DECIMAL),
    "tp": {"type": "array", "items": DECIMAL, "maxItems": 3},
    "market_type": nullable(one_of(MarketType)),
    "expires_at": nullable(MOMENT),
    "is_published": FLAG,
    "published_at": nullable(MOMENT),
    "created_at": MOMENT,
    "executions": described(COUNT, "Those that you may see."),
    "source": described(TEXT, "For administrators only."),
    "dedupe_key": described(nullable(TEXT), "For administrators only."),
    "plans": {"type": "array", "items": TEXT, "description": "For administrators only."},
}

_EXECUTION: JsonDict = {
    "id": ROW_ID,
    "connection_id": described(nullable(ROW_ID), "Null when the connection was deleted since."),
    "connection": described(TEXT, "The connection's name at the time."),
    "status": one_of(ExecutionStatus),
    "code": described(nullable(TEXT), "Why it was denied or rejected, for machines."),
    "message": described(nullable(TEXT), "The same for people, with what to change."),
    "client_order_id": described(nullable(TEXT), "Of the latest order; null when none was intended."),
    "exchange_order_id": described(
        nullable(TEXT), "Of the latest order; null until the venue has confirmed it."
    ),
    "quantity": described(nullable(DECIMAL), "Of all its orders; base currency, contracts on swaps."),
    "filled_quantity": nullable(DECIMAL),
    "average_price": nullable(DECIMAL),
    "steps_ms": {
        "type": "object",
        "description": "Milliseconds per step that was done: queue, read, plan, place, record.",
        "additionalProperties": {"type": "integer"},
    },
}

SCHEMAS: JsonDict = {
    "Signal": closed(_SIGNAL, optional=("source", "dedupe_key", "plans")),
    "Execution": closed(_EXECUTION),
    "ExecutionPage": page_of("Execution"),
}
