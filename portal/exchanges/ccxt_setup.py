"""How an account is set up for swaps: position mode, margin mode and leverage, where one or two reads tell.

What a venue keeps per market is read for one market, and the answer says which. A key that may not trade
futures may still trade spot, so a refusal here is no failure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from portal.exchanges.ccxt_numbers import positive_or_none
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.dialects import BINANCE, BYBIT, OKX
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.trading.types import MarginMode, PositionMode

#: As venues and ccxt write them.
_MARGIN = {
    "cross": MarginMode.CROSS, "crossed": MarginMode.CROSS, "regular_margin": MarginMode.CROSS,
    "isolated": MarginMode.ISOLATED, "isolated_margin": MarginMode.ISOLATED,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """None: the venue did not say. `symbol` is the market that margin mode and leverage were read for."""

    position_mode: PositionMode | None = None
    margin_mode: MarginMode | None = None
    leverage: Decimal | None = None
    symbol: str = ""


def read_setup(session: CcxtSession) -> Setup:
    """What a few reads tell; raises ExchangeError RATE_LIMITED and nothing else. May be repeated."""
    symbol = _usual_swap(session)
    if symbol is None:
        return Setup()
    try:
        found = _READERS.get(session.venue.ccxt_id, _unified)(session, symbol)
    except ExchangeError as error:
        _heed(error)
        return Setup()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return Setup()
    told = found.margin_mode is not None or found.leverage is not None
    return replace(found, symbol=symbol if told else "")


def _usual_swap(session: CcxtSession) -> str | None:
    swaps = [name for name, each in session.instruments().items() if ":" in name and each.active]
    usual = [name for name in ("BTC/USDT:USDT", "BTC/USDC:USDC", "BTC/USD:BTC") if name in swaps]
    return next(iter(usual or swaps), None)


def _unified(session: CcxtSession, symbol: str) -> Setup:
    """By ccxt's own methods, where the venue itself has them."""
    mode, margin = None, None
    if session.venue.hedge_mode and session.has("fetchPositionMode"):
        mode = _hedged(session.read("fetch_position_mode", symbol).get("hedged"))
    if session.has("fetchMarginMode"):
        margin = _margin(_or_nothing(session, "fetch_margin_mode", symbol).get("marginMode"))
    return Setup(position_mode=mode, margin_mode=margin)


def _binance(session: CcxtSession, symbol: str) -> Setup:
    mode = _hedged(session.read("fetch_position_mode", symbol).get("hedged"))
    row = _or_nothing(session, "fetch_margin_mode", symbol)
    return Setup(
        position_mode=mode,
        margin_mode=_margin(row.get("marginMode")),
        leverage=positive_or_none((row.get("info") or {}).get("leverage")),
    )


def _bybit(session: CcxtSession, symbol: str) -> Setup:
    """The list of positions has a row per side in hedge mode even when nothing is held."""
    query = {"category": "linear", "symbol": session.market_id(symbol)}
    rows = session.read("privateGetV5PositionList", query)["result"]["list"]
    sides = {int(row["positionIdx"]) for row in rows}
    account = _or_nothing(session, "privateGetV5AccountInfo").get("result") or {}
    return Setup(
        position_mode=_hedged(0 not in sides) if sides else None,
        margin_mode=_margin(account.get("marginMode")),
        leverage=positive_or_none(rows[0].get("leverage")) if rows else None,
    )


def _bitget(session: CcxtSession, symbol: str) -> Setup:
    query = {"symbol": session.market_id(symbol), "productType": "USDT-FUTURES", "marginCoin": "USDT"}
    row = session.read("privateMixGetV2MixAccountAccount", query)["data"]
    margin = _margin(row.get("marginMode"))
    side = "crossedMarginLeverage" if margin is MarginMode.CROSS else "isolatedLongLever"
    return Setup(
        position_mode={"hedge_mode": PositionMode.HEDGE, "one_way_mode": PositionMode.ONE_WAY}.get(
            row.get("posMode")
        ),
        margin_mode=margin,
        leverage=positive_or_none(row.get(side)) if margin else None,
    )


def _okx(_session: CcxtSession, _symbol: str) -> Setup:
    """The question about the key tells the position mode too; the margin mode travels with each order."""
    return Setup()


def _or_nothing(session: CcxtSession, method: str, *args: object) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = session.read(method, *args)
    except ExchangeError as error:
        _heed(error)
        return {}
    return found


def _heed(error: ExchangeError) -> None:
    """A venue that asks for fewer requests is not asked the next one."""
    if error.code is ErrorCode.RATE_LIMITED:
        raise error


def _hedged(value: object) -> PositionMode | None:
    if value is None:
        return None
    return PositionMode.HEDGE if value else PositionMode.ONE_WAY


def _margin(word: object) -> MarginMode | None:
    return _MARGIN.get(str(word).lower())


_READERS: Mapping[str, Callable[[CcxtSession, str], Setup]] = {
    **dict.fromkeys(BINANCE, _binance),
    **dict.fromkeys(BYBIT, _bybit),
    **dict.fromkeys(OKX, _okx),
    "bitget": _bitget,
}
