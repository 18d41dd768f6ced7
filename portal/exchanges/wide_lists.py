"""Which exchanges list the resting orders of all their markets at once, and what they are asked for. A table;
imports no exchange library, so that pages may say where only known markets are seen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from portal.exchanges.venues import Venue
from portal.trading.types import MarketType

#: Parameters of `fetch_open_orders` without a symbol, one set per request.
Requests = tuple[Mapping[str, Any], ...]

_TRIGGER = {"trigger": True}
_SPOT: Requests = ({"type": "spot"},)
#: Conditional orders have a list of their own (`fapiPrivateGetOpenAlgoOrders`).
_LINEAR: Requests = ({"type": "swap", "subType": "linear"}, {"type": "swap", "subType": "linear", **_TRIGGER})
_INVERSE: Requests = (
    {"type": "swap", "subType": "inverse"},
    {"type": "swap", "subType": "inverse", **_TRIGGER},
)


def _okx(kind: str) -> Requests:
    """Plain orders, and one list per kind of algo order; `instType` is a field of both endpoints."""
    return tuple(
        {"instType": kind, **extra}
        for extra in ({}, _TRIGGER, {"ordType": "conditional"}, {"ordType": "oco"})
    )


def _bybit(kind: str) -> Requests:
    """One category at a time; derivatives also one settlement coin at a time."""
    if kind == "spot":
        return ({"type": "spot"}, {"type": "spot", **_TRIGGER})
    return tuple(
        {"type": "swap", "subType": "linear", "settleCoin": coin, **extra}
        for coin in ("USDT", "USDC")
        for extra in ({}, _TRIGGER)
    )


_OKX = {MarketType.SPOT: _okx("SPOT"), MarketType.SWAP: _okx("SWAP")}
_BYBIT = {MarketType.SPOT: _bybit("spot"), MarketType.SWAP: _bybit("swap")}
#: By ccxt's name, as its source of 4.5.90 reads: the request goes out without a symbol, and the exchange's
#: answer spans all markets of the kind. Kraken's and Hyperliquid's one list has triggers in it, too.
_TABLE: Mapping[str, Mapping[MarketType, Requests]] = MappingProxyType({
    "binance": {MarketType.SPOT: _SPOT, MarketType.SWAP: _LINEAR},
    "binanceusdm": {MarketType.SWAP: _LINEAR},
    "binancecoinm": {MarketType.SWAP: _INVERSE},
    "binanceus": {MarketType.SPOT: _SPOT},
    "bybit": _BYBIT, "bybiteu": {MarketType.SPOT: _bybit("spot")}, "bybitid": _BYBIT,
    "okx": _OKX, "myokx": _OKX, "okxus": {MarketType.SPOT: _okx("SPOT")},
    "kraken": {MarketType.SPOT: ({},)},
    "krakenfutures": {MarketType.SWAP: ({},)},
    "hyperliquid": {MarketType.SPOT: ({},), MarketType.SWAP: ({},)},
})  # fmt: skip


def requests_for(venue: Venue, kind: MarketType) -> Requests:
    """What to ask for; empty where the exchange cannot list all markets, or nobody has looked."""
    if venue.market_types is not None and kind not in venue.market_types:
        return ()
    return _TABLE.get(venue.ccxt_id, {}).get(kind, ())
