"""The venues that have been looked at, one entry each. What an entry rests on is in
docs/adding-an-exchange.md.

Anything not listed here gets `Venue`'s own defaults: no window, no trusted query by id, never sent again.
"""

from dataclasses import replace

from portal.exchanges.base import IdentityClass
from portal.exchanges.venues import ClientIdShape, MarketBuy, QueryRoute, Venue, WindowStyle
from portal.trading.types import MarketType

_BY_ID = (QueryRoute.ORDER_BY_CLIENT_ID, QueryRoute.OPEN, QueryRoute.HISTORY, QueryRoute.FILLS)
_PENDING_BY_ID = (QueryRoute.PENDING_BY_CLIENT_ID, QueryRoute.OPEN, QueryRoute.HISTORY, QueryRoute.FILLS)
_LISTS = (QueryRoute.OPEN, QueryRoute.HISTORY, QueryRoute.FILLS)

_EVERYWHERE = frozenset(MarketType)

_BINANCE = Venue(
    ccxt_id="binance",
    title="Binance",
    lists_name_our_id=True,
    identity=IdentityClass.REFUSED_WHILE_OPEN,
    routes=_BY_ID,
    page_size=500,
    window=WindowStyle.TIMESTAMP_FIELD,
    market_buy=MarketBuy.BY_QUANTITY,
    codes_reviewed=True,
    unknown_codes=frozenset({"-1000", "-1001", "-1006", "-1007", "-1008", "-1010", "-1016"}),
    duplicate_codes=frozenset({"Duplicate order sent", "-4116", "-4115", "-20132"}),
    hedge_mode=True,
    fills_order_field="orderId",
    separate_triggers=frozenset({MarketType.SWAP}),
    guards=_EVERYWHERE,
    working_order_field="actualOrderId",
    forced_prefixes=("autoclose-", "adl_autoclose"),
)
_BINANCE_USDM = replace(_BINANCE, ccxt_id="binanceusdm", title="Binance USDⓈ-M futures")

_BYBIT = Venue(
    ccxt_id="bybit",
    title="Bybit",
    lists_name_our_id=True,
    preparation=("/v5/user/query-api", "/v5/account/info"),
    identity=IdentityClass.REFUSED_FOR_EVER,
    list_field="orderLinkId",
    routes=_LISTS,
    page_size=50,
    window=WindowStyle.NONCE_AND_OPTION,
    market_buy=MarketBuy.BY_QUANTITY,
    codes_reviewed=True,
    unknown_codes=frozenset(
        {"5004", "10000", "10016", "10019", "170001", "170007", "170032", "170146", "170147", "170234"}
    ),
    duplicate_codes=frozenset({"110072", "170141"}),
    hedge_mode=True,
    separate_triggers=_EVERYWHERE,
    needs_trigger_direction=True,
)
_OKX = Venue(
    ccxt_id="okx",
    title="OKX",
    lists_name_our_id=True,
    identity=IdentityClass.REFUSED_WHILE_OPEN,
    routes=_BY_ID,
    page_size=100,
    window=WindowStyle.HEADER,
    window_field="expTime",
    market_buy=MarketBuy.BY_QUANTITY,
    codes_reviewed=True,
    unknown_codes=frozenset({"50001", "50004", "50013", "50026", "51149"}),
    duplicate_codes=frozenset({"51016"}),
    hedge_mode=True,
    separate_triggers=_EVERYWHERE,
    margin_mode_in_order=True,
    leverage_margin_field="mgnMode",
)
_GATE = Venue(
    ccxt_id="gate",
    title="Gate",
    lists_name_our_id=True,
    id_shape=ClientIdShape.T_28,
    query_field="text",
    preparation=("/account/detail",),
    routes=_PENDING_BY_ID,
    page_size=100,
    window=WindowStyle.HEADER,
    window_field="x-gate-exptime",
    market_buy=MarketBuy.BY_COST,
    codes_reviewed=True,
    unknown_codes=frozenset({"INTERNAL", "SERVER_ERROR", "TOO_BUSY"}),
    duplicate_codes=frozenset({"REPEATED_CREATION"}),
    separate_triggers=_EVERYWHERE,
)
_KRAKEN = Venue(
    ccxt_id="kraken",
    title="Kraken",
    lists_name_our_id=True,
    identity=IdentityClass.REFUSED_WHILE_OPEN,
    list_field="clientOrderId",
    routes=_LISTS,
    page_size=50,
    window=WindowStyle.FIELD_RFC3339,
    window_field="deadline",
    market_buy=MarketBuy.BY_QUANTITY,
    serial=True,
    codes_reviewed=True,
    unknown_codes=frozenset(
        {
            "EService:Unavailable",
            "EService:Busy",
            "EService:Timeout",
            "EGeneral:Internal error",
            "EGeneral:Unknown error",
        }
    ),
    duplicate_codes=frozenset({"cl_ord_id must be unique", "EOrder:Duplicate cl_ord_id"}),
)
_HYPERLIQUID = Venue(
    ccxt_id="hyperliquid",
    title="Hyperliquid",
    lists_name_our_id=True,
    id_shape=ClientIdShape.HEX_0X,
    routes=_BY_ID,
    page_size=2000,
    market_buy=MarketBuy.ALWAYS_NEEDS_PRICE,
    serial=True,
    codes_reviewed=True,
    leverage_margin_field="marginMode",
    options={"refSet": True},
)

_KUCOIN = Venue(
    ccxt_id="kucoin",
    title="KuCoin",
    lists_name_our_id=True,
    preparation=("/account/mode", "/hf/accounts/opened"),
    routes=_BY_ID,
    page_size=50,
    window=WindowStyle.NONCE,
    market_buy=MarketBuy.BY_QUANTITY,
    codes_reviewed=True,
    unknown_codes=frozenset({"500", "408000", "500000", "126038"}),
    duplicate_codes=frozenset({"126033", "126044"}),
    separate_triggers=_EVERYWHERE,
    quantity_as_number=True,
    leverage_in_order=True,
    margin_mode_in_order=True,
)

_ENTRIES: dict[str, Venue] = {
    "binance": _BINANCE,
    "binanceusdm": _BINANCE_USDM,
    "binancecoinm": replace(_BINANCE, ccxt_id="binancecoinm", title="Binance COIN-M futures"),
    "binanceus": replace(_BINANCE, ccxt_id="binanceus", title="Binance US", hedge_mode=False),
    "bybit": _BYBIT,
    "bybiteu": replace(_BYBIT, ccxt_id="bybiteu", title="Bybit EU"),
    "bybitid": replace(_BYBIT, ccxt_id="bybitid", title="Bybit Indonesia"),
    "okx": _OKX,
    "myokx": replace(_OKX, ccxt_id="myokx", title="OKX (EEA)"),
    "okxus": replace(_OKX, ccxt_id="okxus", title="OKX US"),
    "kraken": _KRAKEN,
    "krakenfutures": Venue(
        ccxt_id="krakenfutures",
        title="Kraken Futures",
        identity=IdentityClass.REFUSED_WHILE_OPEN,
        page_size=100,
        window=WindowStyle.FIELD_MILLISECONDS,
        window_field="processBefore",
        duplicate_codes=frozenset({"clientOrderIdAlreadyExist"}),
    ),
    "kucoin": _KUCOIN,
    "kucoinfutures": replace(_KUCOIN, ccxt_id="kucoinfutures", title="KuCoin Futures"),
    "coinbase": Venue(
        ccxt_id="coinbase",
        title="Coinbase Advanced",
        lists_name_our_id=True,
        identity=IdentityClass.REPLAY,
        id_shape=ClientIdShape.UUID,
        id_field="client_order_id",
        routes=_LISTS,
        page_size=100,
        market_buy=MarketBuy.BY_COST,
        codes_reviewed=True,
        unknown_codes=frozenset(
            {"UNKNOWN_FAILURE_REASON", "COMMANDER_REJECTED_NEW_ORDER", "internal_server_error", "unknown"}
        ),
        duplicate_codes=frozenset({"DUPLICATE_CLIENT_ORDER_ID"}),
    ),
    "gate": _GATE,
    "gateeu": replace(_GATE, ccxt_id="gateeu", title="Gate EU"),
    "bitget": Venue(
        ccxt_id="bitget",
        title="Bitget",
        lists_name_our_id=True,
        preparation=("/v3/account/settings",),
        routes=_BY_ID,
        page_size=100,
        market_buy=MarketBuy.BY_COST,
        codes_reviewed=True,
        unknown_codes=frozenset({"1", "500", "30009", "40010", "40015", "40604", "40725", "45001", "50008"}),
        duplicate_codes=frozenset({"40786", "43118", "Duplicate clientOid"}),
        hedge_mode=True,
        separate_triggers=_EVERYWHERE,
        margin_mode_in_order=True,
    ),
    "mexc": Venue(
        ccxt_id="mexc",
        title="MEXC",
        lists_name_our_id=True,
        routes=_BY_ID,
        swap_routes=(QueryRoute.ORDER_BY_EXTERNAL_OID, QueryRoute.OPEN, QueryRoute.HISTORY, QueryRoute.FILLS),
        page_size=100,
        window=WindowStyle.NONCE_AND_OPTION,
        market_buy=MarketBuy.BY_QUANTITY,
        unknown_codes=frozenset({"500", "501", "503", "504", "510", "700013"}),
    ),
    "hyperliquid": _HYPERLIQUID,
    "htx": Venue(
        ccxt_id="htx",
        title="HTX",
        id_shape=ClientIdShape.INT45,  # swaps take numbers only, and ccxt drops what is none
        lists_name_our_id=True,
        preparation=("/v1/account/accounts",),
        identity=IdentityClass.REFUSED_WHILE_OPEN,
        routes=_BY_ID,
        page_size=100,
        market_buy=MarketBuy.BY_COST,
    ),
    "cryptocom": Venue(
        ccxt_id="cryptocom",
        title="Crypto.com Exchange",
        lists_name_our_id=True,
        identity=IdentityClass.REFUSED_WHILE_OPEN,
        id_field="client_oid",
        query_field="client_oid",
        routes=_BY_ID,
        page_size=100,
        market_buy=MarketBuy.BY_COST,
        duplicate_codes=frozenset({"204"}),
    ),
    "deribit": Venue(
        ccxt_id="deribit",
        title="Deribit",
        id_field="label",
        routes=(QueryRoute.ORDER_BY_LABEL, QueryRoute.OPEN, QueryRoute.HISTORY, QueryRoute.FILLS),
        page_size=100,
        window=WindowStyle.FIELD_MILLISECONDS,
        window_field="valid_until",
    ),
    "bitfinex": Venue(
        ccxt_id="bitfinex",
        title="Bitfinex",
        id_shape=ClientIdShape.INT45,
        id_field="cid",
        page_size=25,
        serial=True,
    ),
    "bingx": Venue(
        ccxt_id="bingx",
        title="BingX",
        page_size=100,
        duplicate_codes=frozenset({"101481", "109201"}),
        hedge_mode=True,
    ),
    "phemex": Venue(
        ccxt_id="phemex", title="Phemex", page_size=50, duplicate_codes=frozenset({"10001", "11033", "11085"})
    ),
    # ccxt drops our id on these two unless it is a number, or has the venue's own name.
    "ndax": Venue(
        ccxt_id="ndax", title="NDAX", id_shape=ClientIdShape.INT45, preparation=("/GetUserAccounts",)
    ),
    "coinone": Venue(ccxt_id="coinone", title="Coinone", id_field="user_order_id"),
    "sandbox": replace(
        _BINANCE,
        title="Practice exchange",
        needs_base_url=True,
        hedge_mode=False,
        market_types=frozenset({MarketType.SPOT}),
        options={"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
    ),
    "sandboxusdm": replace(
        _BINANCE_USDM,
        title="Practice exchange, perpetuals",
        needs_base_url=True,
        market_types=frozenset({MarketType.SWAP}),
        options={"fetchMarkets": {"types": ["linear"]}, "fetchMargins": False},
    ),
}


def venue(exchange_name: str) -> Venue:
    """The entry of `exchange_name`, or the most careful assumptions for one that has none."""
    return _ENTRIES.get(exchange_name) or Venue(ccxt_id=exchange_name, title=exchange_name)


def listed_venues() -> tuple[str, ...]:
    """The names that have an entry."""
    return tuple(_ENTRIES)
