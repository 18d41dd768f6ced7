"""Reads ccxt's orders, trades, balances, tickers and positions into our reports. Reports what was said, adds
nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.exchanges.ccxt_numbers import decimal_or_none, positive_or_none, price_or_none, time_or_none
from portal.trading.orders import Balance, Fee, FillReport, OrderReport, PositionReport, Ticker
from portal.trading.types import OrderState, PositionSide, Side

_STATES = {
    "open": OrderState.OPEN,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "cancelled": OrderState.CANCELED,
    "canceling": OrderState.OPEN,
    "expired": OrderState.EXPIRED,
    "rejected": OrderState.REJECTED,
}
#: Fill ids that we made ourselves, because the venue gives none, begin with this.
DERIVED_FILL_PREFIX = "derived-"


def to_order_report(
    order: Mapping[str, Any],
    *,
    symbol: str,
    side: Side | None = None,
    quantity: Decimal | None = None,
    client_order_id: str | None = None,
) -> OrderReport:
    """One ccxt order. The keywords fill what a terse acknowledgement leaves out; `client_order_id` is ours,
    when the order is known to be ours. Raises ValueError when it has no id or no side.
    """
    exchange_order_id = order.get("id")
    order_side = Side(order["side"]) if order.get("side") in ("buy", "sell") else side
    if not exchange_order_id or order_side is None:
        raise ValueError("an order without id or side")
    ordered = positive_or_none(order.get("amount")) or quantity or Decimal(0)
    filled = decimal_or_none(order.get("filled"))
    state = _state(order, ordered, filled)
    if filled is None:
        filled = ordered if state is OrderState.FILLED else Decimal(0)
    updated = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp") or order.get("timestamp")
    reported_id = order.get("clientOrderId")
    return OrderReport(
        exchange_order_id=str(exchange_order_id),
        client_order_id=client_order_id or (str(reported_id) if reported_id else None),
        symbol=order.get("symbol") or symbol,
        side=order_side,
        state=state,
        quantity=ordered,
        filled_quantity=filled,
        average_price=_average(order, filled),
        price=positive_or_none(order.get("price")),
        trigger_price=positive_or_none(order.get("triggerPrice")),
        reduce_only=order.get("reduceOnly"),
        updated_at=time_or_none(updated),
        fills=tuple(
            fill for trade in order.get("trades") or () if (fill := to_fill(trade, order)) is not None
        ),
    )


def _state(order: Mapping[str, Any], ordered: Decimal, filled: Decimal | None) -> OrderState:
    """An acknowledgement without a status is an open order: accepted, and to be looked at."""
    state = _STATES.get(str(order.get("status") or "open").lower(), OrderState.OPEN)
    if state is OrderState.OPEN and filled:
        return OrderState.FILLED if ordered and filled >= ordered else OrderState.PARTIALLY_FILLED
    if state is OrderState.FILLED and filled is not None and ordered and filled < ordered:
        return OrderState.CANCELED  # done without being full: the rest is gone
    return state


def _average(order: Mapping[str, Any], filled: Decimal) -> Decimal | None:
    average = positive_or_none(order.get("average"))
    cost = positive_or_none(order.get("cost"))
    if average is None and cost is not None and filled > 0:
        return cost / filled
    return average


def to_fill(trade: Mapping[str, Any], order: Mapping[str, Any] | None = None) -> FillReport | None:
    """One ccxt trade; None when it lacks what a fill is made of. `order` fills in what trades inside an order
    omit.
    """
    context = order or {}
    side = trade.get("side") or context.get("side")
    order_id = trade.get("order") or context.get("id")
    quantity, price = positive_or_none(trade.get("amount")), positive_or_none(trade.get("price"))
    filled_at = time_or_none(trade.get("timestamp")) or time_or_none(context.get("timestamp"))
    if side not in ("buy", "sell") or not order_id or quantity is None or price is None:
        return None
    if trade.get("id"):
        fill_id = str(trade["id"])
    elif order is not None:
        return None  # the same trade comes with its id from fills(); a made-up id would count it twice
    else:
        fill_id = _derived_id(order_id, trade.get("timestamp"), price, quantity)
    return FillReport(
        exchange_fill_id=fill_id,
        exchange_order_id=str(order_id),
        symbol=trade.get("symbol") or context.get("symbol") or "",
        side=Side(side),
        quantity=quantity,
        price=price,
        filled_at=filled_at or datetime.now(UTC),
        fees=_fees(trade),
        is_maker={"maker": True, "taker": False}.get(str(trade.get("takerOrMaker"))),
        position_side=_position_side(trade),
    )


def _position_side(trade: Mapping[str, Any]) -> PositionSide | None:
    """Binance calls it positionSide, OKX posSide; `BOTH` and `net` are accounts with one side."""
    info = trade.get("info") or {}
    said = str(info.get("positionSide") or info.get("posSide") or "").lower()
    return PositionSide(said) if said in ("long", "short") else None


def _derived_id(*parts: object) -> str:
    text = "|".join(str(part) for part in parts)
    return DERIVED_FILL_PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32]


def _fees(trade: Mapping[str, Any]) -> tuple[Fee, ...]:
    listed = trade.get("fees") or ([trade["fee"]] if trade.get("fee") else [])
    fees = ((fee.get("currency"), decimal_or_none(fee.get("cost"))) for fee in listed if fee)
    return tuple(Fee(currency, cost) for currency, cost in fees if currency and cost)


def to_balances(balance: Mapping[str, Any]) -> dict[str, Balance]:
    """Currencies with anything in them."""
    result: dict[str, Balance] = {}
    for currency, total_value in (balance.get("total") or {}).items():
        total, free = decimal_or_none(total_value), decimal_or_none((balance.get("free") or {}).get(currency))
        if total is None and free is None:
            continue
        total, free = (total if total is not None else free), (free if free is not None else total)
        if total is not None and free is not None and (total or free):
            result[currency] = Balance(currency, free, total)
    return result


def to_ticker(ticker: Mapping[str, Any], symbol: str) -> Ticker | None:
    """Prices that can be prices only, also of a crossed book; None when nothing usable is left."""
    bid, ask = price_or_none(ticker.get("bid")), price_or_none(ticker.get("ask"))
    last = price_or_none(ticker.get("last"))
    if bid is None and ask is None and last is None:
        return None
    return Ticker(symbol, bid, ask, last, time_or_none(ticker.get("timestamp")) or datetime.now(UTC))


def to_positions(positions: Iterable[Mapping[str, Any]]) -> list[PositionReport]:
    """Positions that are not flat."""
    reports = []
    for position in positions:
        quantity = decimal_or_none(position.get("contracts"))
        side = str(position.get("side") or ("short" if quantity and quantity < 0 else "long"))
        if not quantity or side not in ("long", "short"):
            continue
        reports.append(
            PositionReport(
                symbol=position["symbol"],
                position_side=PositionSide(side),
                quantity=abs(quantity),
                average_entry_price=positive_or_none(position.get("entryPrice")),
                liquidation_price=positive_or_none(position.get("liquidationPrice")),
                unrealized_pnl=decimal_or_none(position.get("unrealizedPnl")),
            )
        )
    return reports
