"""How rows look in JSON: numbers as plain strings, times as RFC 3339 in UTC. Queries nothing; shows no
secret."""

from datetime import UTC, datetime
from decimal import Decimal

from portal.db import JsonDict
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Signal
from portal.trading.numbers import text
from portal.web.orders import OrderSummary


def number(value: Decimal | None) -> str | None:
    """Plain digits, no exponent, no trailing zeros."""
    return None if value is None else text(value)


def moment(value: datetime | None) -> str | None:
    """`2026-01-31T08:00:00.123Z`."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def signal_json(signal: Signal, *, executions: int, for_admin: bool) -> JsonDict:
    """A signal; what concerns its sender alone is for administrators."""
    shown: JsonDict = {
        "id": signal.id,
        "currency_pair": signal.currency_pair,
        "direction": signal.direction,
        "action": signal.action,
        "order_type": signal.order_type,
        "time_in_force": signal.time_in_force,
        "open_price": number(signal.open_price),
        "sl": number(signal.sl),
        "tp": [number(price) for price in signal.tp],
        "market_type": signal.market_type,
        "expires_at": moment(signal.expires_at),
        "is_published": signal.is_published,
        "published_at": moment(signal.published_at),
        "created_at": moment(signal.created_at),
        "executions": executions,
    }
    if for_admin:
        shown["source"] = signal.source
        shown["dedupe_key"] = signal.dedupe_key
        shown["plans"] = sorted(plan.name for plan in signal.plans)
    return shown


def execution_json(execution: Execution, orders: OrderSummary | None) -> JsonDict:
    return {
        "id": execution.id,
        "connection_id": execution.connection_id,
        "connection": execution.connection_name,
        "status": execution.status,
        "code": execution.code,
        "message": execution.message,
        "client_order_id": orders.client_order_id if orders else None,
        "exchange_order_id": orders.exchange_order_id if orders else None,
        "quantity": number(orders.quantity) if orders else None,
        "filled_quantity": number(orders.filled_quantity) if orders else None,
        "average_price": number(orders.average_price) if orders else None,
        "steps_ms": execution.steps_ms(),
    }


def position_json(position: ExecutionPosition) -> JsonDict:
    return {
        "id": position.id,
        "connection_id": position.connection_id,
        "connection": position.connection_name,
        "execution_id": position.execution_id,
        "currency_pair": position.currency_pair,
        "symbol": position.symbol,
        "market_type": position.market_type,
        "side": position.position_side,
        "status": position.status,
        "quantity": number(position.quantity),
        "entry_quantity": number(position.entry_quantity),
        "average_entry_price": number(position.average_entry_price),
        "average_exit_price": number(position.average_exit_price),
        "mark_price": number(position.mark_price),
        "marked_at": moment(position.marked_at),
        "unrealized_pnl": number(position.unrealized_pnl),
        "realized_pnl": number(position.realized_pnl),
        "fees": number(position.fees),
        "funding": number(position.funding),
        "currency": position.settle,
        "sl_price": number(position.sl_price),
        "tp_prices": [_target_json(target) for target in position.tp_prices],
        "protection": position.protection,
        "protection_note": position.protection_note,
        "protection_checked_at": moment(position.protection_checked_at),
        "opened_at": moment(position.opened_at),
        "closed_at": moment(position.closed_at),
        "closed_reason": position.closed_reason,
    }


def connection_json(connection: ExecutionConnection) -> JsonDict:
    """A connection without anything of its credentials but whether there are any."""
    return {
        "id": connection.id,
        "name": connection.name,
        "type": connection.type,
        "exchange_name": connection.exchange_name,
        "mode": connection.mode,
        "status": connection.status,
        "health": connection.get_health_status(),
        "is_active": connection.is_active,
        "is_admin_owned": connection.is_admin_owned,
        "has_credentials": connection.has_credentials(),
        "preset": connection.preset.name if connection.preset else None,
        "position_mode": connection.position_mode,
        "margin_mode": connection.margin_mode,
        "key_expires_at": moment(connection.key_expires_at),
        "clock_offset_ms": connection.clock_offset_ms,
        "last_error": connection.last_error,
        "last_tested_at": moment(connection.last_tested_at),
        "last_connected_at": moment(connection.last_connected_at),
        "last_used_at": moment(connection.last_used_at),
    }


def _target_json(target: JsonDict) -> JsonDict:
    return {
        "price": _text_or_none(target.get("price")),
        "close_fraction": _text_or_none(target.get("close_fraction")),
        "done": bool(target.get("done")),
    }


def _text_or_none(value: object) -> str | None:
    return None if value is None else text(Decimal(str(value)))
