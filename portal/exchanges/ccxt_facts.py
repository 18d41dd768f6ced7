"""What a connection test learns of an account. What a venue does not say cheaply stays None."""

from collections.abc import Callable, Mapping
from typing import Any

from portal.exchanges.ccxt_numbers import time_or_none
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.errors import ExchangeError
from portal.trading.orders import AccountFacts, Balance
from portal.trading.types import PositionMode


def read_facts(session: CcxtSession, balances: tuple[Balance, ...]) -> AccountFacts:
    """Key permissions where the venue has an endpoint for them, position mode where it is one call."""
    permissions = _KEY_READERS.get(session.venue.ccxt_id, _nothing)(session)
    return AccountFacts(
        can_trade=permissions.get("can_trade"),
        can_withdraw=permissions.get("can_withdraw"),
        ip_restricted=permissions.get("ip_restricted"),
        key_expires_at=permissions.get("key_expires_at"),
        position_mode=_position_mode(session),
        clock_offset_ms=session.markets.known_clock_offset_ms(),
        permissions=tuple(sorted(permissions.get("permissions", ()))),
        balances=balances,
    )


def _position_mode(session: CcxtSession) -> PositionMode | None:
    if not session.has("fetchPositionMode") or not session.venue.hedge_mode:
        return None
    swaps = [
        symbol for symbol, instrument in session.instruments().items() if ":" in symbol and instrument.active
    ]
    if not swaps:
        return None
    try:
        mode = session.read("fetch_position_mode", swaps[0])
    except ExchangeError:
        return None  # a key without futures permission may still trade spot
    return PositionMode.HEDGE if mode.get("hedged") else PositionMode.ONE_WAY


def _nothing(_session: CcxtSession) -> Mapping[str, Any]:
    return {}


def _binance(session: CcxtSession) -> Mapping[str, Any]:
    try:
        answer = session.read("sapiGetAccountApiRestrictions")
    except ExchangeError:
        return {}
    swap = bool(session.client.has.get("swap")) and not session.client.has.get("spot")
    expires = answer.get("tradingAuthorityExpirationTime")
    return {
        "can_trade": answer.get("enableFutures" if swap else "enableSpotAndMarginTrading"),
        "can_withdraw": answer.get("enableWithdrawals"),
        "ip_restricted": answer.get("ipRestrict"),
        "key_expires_at": time_or_none(expires),
        "permissions": [
            name for name, value in answer.items() if name.startswith("enable") and value is True
        ],
    }


def _bybit(session: CcxtSession) -> Mapping[str, Any]:
    try:
        answer = session.read("privateGetV5UserQueryApi").get("result") or {}
    except ExchangeError:
        return {}
    granted = {name for group in (answer.get("permissions") or {}).values() for name in group or ()}
    ips = answer.get("ips") or []
    return {
        "can_trade": str(answer.get("readOnly")) == "0" if "readOnly" in answer else None,
        "can_withdraw": "Withdraw" in granted,
        "ip_restricted": bool(ips) and ips != ["*"],
        "key_expires_at": time_or_none(session.client.parse8601(answer.get("expiredAt"))),
        "permissions": granted,
    }


def _okx(session: CcxtSession) -> Mapping[str, Any]:
    try:
        rows = session.read("privateGetAccountConfig").get("data") or [{}]
    except ExchangeError:
        return {}
    granted = {part for part in str(rows[0].get("perm") or "").split(",") if part}
    return {
        "can_trade": "trade" in granted if granted else None,
        "can_withdraw": "withdraw" in granted if granted else None,
        "ip_restricted": bool(rows[0].get("ip")) if "ip" in rows[0] else None,
        "permissions": granted,
    }


_KEY_READERS: Mapping[str, Callable[[CcxtSession], Mapping[str, Any]]] = {
    "binance": _binance,
    "binanceusdm": _binance,
    "bybit": _bybit,
    "okx": _okx,
}
