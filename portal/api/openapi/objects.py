"""Positions, connections, readiness and errors, as they are shown."""

from portal.api.openapi.build import (
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
from portal.trading.types import (
    ClosedReason,
    ConnectionMode,
    ConnectionStatus,
    ConnectionType,
    MarginMode,
    MarketType,
    PositionMode,
    PositionSide,
    PositionStatus,
    Protection,
)

_TARGET = closed({"price": nullable(DECIMAL), "close_fraction": nullable(DECIMAL), "done": FLAG})

_POSITION: JsonDict = {
    "id": ROW_ID,
    "connection_id": nullable(ROW_ID),
    "connection": TEXT,
    "execution_id": nullable(ROW_ID),
    "currency_pair": TEXT,
    "symbol": described(TEXT, "ccxt's unified symbol."),
    "market_type": one_of(MarketType),
    "side": one_of(PositionSide),
    "status": one_of(PositionStatus),
    "quantity": described(DECIMAL, "Held now."),
    "entry_quantity": DECIMAL,
    "average_entry_price": nullable(DECIMAL),
    "average_exit_price": nullable(DECIMAL),
    "mark_price": nullable(DECIMAL),
    "marked_at": nullable(MOMENT),
    "unrealized_pnl": described(DECIMAL, "In `currency`, net of fees and funding."),
    "realized_pnl": described(DECIMAL, "In `currency`, net of fees and funding."),
    "fees": DECIMAL,
    "funding": DECIMAL,
    "currency": described(TEXT, "The settlement currency."),
    "sl_price": nullable(DECIMAL),
    "tp_prices": {"type": "array", "items": _TARGET},
    "protection": one_of(Protection),
    "protection_note": described(TEXT, "Why it is protected as it is."),
    "protection_checked_at": described(nullable(MOMENT), "When that was last proved."),
    "opened_at": MOMENT,
    "closed_at": nullable(MOMENT),
    "closed_reason": nullable(one_of(ClosedReason)),
}

_HEALTH: JsonDict = {"type": "string", "enum": ["healthy", "stale", "testing", "error", "inactive"]}

_CONNECTION: JsonDict = {
    "id": ROW_ID,
    "name": TEXT,
    "type": one_of(ConnectionType),
    "exchange_name": TEXT,
    "mode": one_of(ConnectionMode),
    "status": one_of(ConnectionStatus),
    "health": _HEALTH,
    "is_active": described(FLAG, "The owner's switch."),
    "is_admin_owned": FLAG,
    "has_credentials": FLAG,
    "preset": described(nullable(TEXT), "The preset's name; the built-in defaults apply without one."),
    "position_mode": one_of(PositionMode),
    "margin_mode": nullable(one_of(MarginMode)),
    "key_expires_at": nullable(MOMENT),
    "clock_offset_ms": nullable({"type": "integer"}),
    "last_error": nullable(TEXT),
    "last_tested_at": nullable(MOMENT),
    "last_connected_at": nullable(MOMENT),
    "last_used_at": nullable(MOMENT),
}

_CHECK = closed({"ok": FLAG, "message": TEXT})

_ERROR = closed(
    {
        "code": TEXT,
        "message": described(TEXT, "What happened, what was not done, what to do next."),
        "fields": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "One reason per field, with 422.",
        },
        "id": described(TEXT, "Names the entry in the operator's log, with 500."),
    },
    optional=("fields", "id"),
)

SCHEMAS: JsonDict = {
    "Position": closed(_POSITION),
    "PositionPage": page_of("Position"),
    "Closing": closed({"id": ROW_ID, "status": one_of(PositionStatus)}),
    "Connection": closed(_CONNECTION),
    "ConnectionPage": page_of("Connection"),
    "Testing": closed({"id": ROW_ID, "status": described(one_of(ConnectionStatus), "Before the test.")}),
    "Alive": closed({"status": {"type": "string", "enum": ["ok"]}}),
    "Readiness": closed({
        "status": {"type": "string", "enum": ["ready", "not_ready"]},
        "checks": closed({"database": _CHECK, "migrations": _CHECK, "redis": _CHECK}),
    }),
    "Error": closed({"error": _ERROR}),
}  # fmt: skip
