"""The few `/sapi` endpoints that clients touch: coins, key permissions, status, fees, no margin."""

from portal.exchanges.sandbox.call import Call, Route, Routes
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.numbers import text8


def get_coins(exchange: Exchange, call: Call) -> object:
    assets = dict.fromkeys(asset for m in exchange.markets_of("spot") for asset in (m.base, m.quote))
    held = call.user.balances
    return [
        {
            "coin": asset,
            "name": asset,
            "depositAllEnable": False,
            "withdrawAllEnable": False,
            "trading": True,
            "isLegalMoney": asset == "EUR",
            "networkList": [],
            "freeze": "0",
            "ipoable": "0",
            "ipoing": "0",
            "storage": "0",
            "withdrawing": "0",
            "free": text8(held[asset].free) if asset in held else "0",
            "locked": text8(held[asset].locked) if asset in held else "0",
        }
        for asset in assets
    ]


def get_api_restrictions(exchange: Exchange, call: Call) -> object:
    account = call.user
    return {
        "ipRestrict": account.ip_restricted,
        "createTime": account.created_ms,
        "enableReading": True,
        "enableSpotAndMarginTrading": account.can_trade,
        "enableFutures": account.can_trade,
        "enableWithdrawals": account.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
        "tradingAuthorityExpirationTime": None,
    }


def get_trade_fee(exchange: Exchange, call: Call) -> object:
    wanted = call.params.get("symbol")
    return [
        {"symbol": m.symbol, "makerCommission": text8(m.maker_fee), "takerCommission": text8(m.taker_fee)}
        for m in exchange.markets_of("spot")
        if wanted in (None, "", m.symbol)
    ]


def get_system_status(exchange: Exchange, call: Call) -> object:
    return {"status": 0, "msg": "normal"}


def get_trading_status(exchange: Exchange, call: Call) -> object:
    return {"data": {"isLocked": not call.user.can_trade, "plannedRecoverTime": 0, "updateTime": 0}}


def empty_list(exchange: Exchange, call: Call) -> object:
    """No margin trading here."""
    return []


ROUTES: Routes = {
    ("GET", "/sapi/v1/capital/config/getall"): Route(get_coins, "sapi"),
    ("GET", "/sapi/v1/account/apiRestrictions"): Route(get_api_restrictions, "sapi"),
    ("GET", "/sapi/v1/account/apiTradingStatus"): Route(get_trading_status, "sapi"),
    ("GET", "/sapi/v1/asset/tradeFee"): Route(get_trade_fee, "sapi"),
    ("GET", "/sapi/v1/system/status"): Route(get_system_status, "sapi", "none"),
    ("GET", "/sapi/v1/margin/allPairs"): Route(empty_list, "sapi", "key"),
    ("GET", "/sapi/v1/margin/allAssets"): Route(empty_list, "sapi", "key"),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): Route(empty_list, "sapi", "key"),
}
