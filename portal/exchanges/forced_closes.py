"""How each exchange marks what it closed by itself: liquidation and auto-deleveraging. A table of facts and
one question; imports no exchange library. Settlement and delivery are no force and have no mark here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from portal.exchanges.dialects import BYBIT, GATE, KUCOIN, OKX

#: Field of a trade's or an order's raw answer, and how its value begins.
Marks = Mapping[str, tuple[str, ...]]

#: `createType`, `execType`: Bybit's documentation, v5, enums; ccxt's `fetch_my_liquidations` asks for the
#: execution type `BustTrade`.
_BYBIT = {
    "execType": ("BustTrade", "AdlTrade"),
    "createType": ("CreateByLiq", "CreateByTakeOver_PassThrough", "CreateByAdl_PassThrough"),
}
#: `category` of an order: OKX's documentation, order details.
_OKX = {"category": ("full_liquidation", "partial_liquidation", "adl")}
#: `tradeType` of a trade: comment in ccxt's `kucoin.py`, `fetch_my_trades`.
_KUCOIN = {"tradeType": ("liquidation", "adl")}
#: `is_liq` and `text` of an order: `FuturesOrder` of Gate's own client. `finish_as` says `liquidated` of
#: orders that were canceled because of a liquidation, and is no mark.
_GATE = {"is_liq": ("true",), "text": ("liquidation", "auto_deleveraging")}

_MARKS: Mapping[str, Marks] = MappingProxyType({
    **dict.fromkeys(BYBIT, _BYBIT),
    **dict.fromkeys(OKX, _OKX),
    **dict.fromkeys(KUCOIN, _KUCOIN),
    **dict.fromkeys(GATE, _GATE),
    # `tradeSide` of trades and orders: Bitget's documentation of the fill channel.
    "bitget": {"tradeSide": ("reduce_", "burst_", "offset_", "dte_sys_adl_")},
    # `fillType` of a trade: comment in ccxt's `krakenfutures.py`, `parse_trade`.
    "krakenfutures": {"fillType": ("liquidation",)},
})  # fmt: skip
#: Trades that are listed only when they are asked for by name: ccxt asks Bybit for the type `Trade` alone.
_LISTED_APART = ({"execType": "BustTrade"}, {"execType": "AdlTrade"})


def is_forced(ccxt_id: str, info: Mapping[str, Any] | None, account: str = "") -> bool:
    """Whether the exchange itself brought about the trade or the order that `info` is the raw answer of.
    `account`: its address, on exchanges that name whom a liquidation concerns."""
    if not isinstance(info, Mapping):
        return False
    if ccxt_id == "hyperliquid":
        # Those who took the other side have the mark, too: ccxt's `fetch_my_liquidations` compares as well.
        told = info.get("liquidation")
        user = str(told.get("liquidatedUser") or "") if isinstance(told, Mapping) else ""
        return bool(user) and user.lower() == account.lower()
    marks = _MARKS.get(ccxt_id, {})
    return any(
        str(info.get(field) or "").lower().startswith(tuple(value.lower() for value in values))
        for field, values in marks.items()
    )


def listed_apart(ccxt_id: str, *, swap: bool) -> tuple[Mapping[str, Any], ...]:
    """Parameters of the lists of trades beside the usual one, in which such trades are."""
    return _LISTED_APART if swap and _MARKS.get(ccxt_id) is _BYBIT else ()
