"""Signed futures endpoints for the account: balances, positions, leverage, margin mode, position mode."""

from portal.exchanges.sandbox.accounts import FuturesWallet, Position
from portal.exchanges.sandbox.call import Call, Route, Routes
from portal.exchanges.sandbox.errors import VenueError, missing
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.funds import (
    available_margin,
    maintenance_margin,
    position_margin,
    total_position_margin,
    total_unrealized,
    unrealized,
)
from portal.exchanges.sandbox.liquidation import liquidation_price
from portal.exchanges.sandbox.numbers import ZERO, flag, optional_int, text8
from portal.exchanges.sandbox.prices import PriceBoard

Json = dict[str, object]
OK = {"code": 200, "msg": "success"}
MAX_LEVERAGE = 125


def _held(wallet: FuturesWallet) -> list[Position]:
    return [position for position in wallet.positions.values() if position.quantity]


def _risk(wallet: FuturesWallet, position: Position, prices: PriceBoard) -> Json:
    mark = prices.last(position.symbol)
    margin = text8(position_margin(wallet, position, prices))
    isolated = position.symbol in wallet.isolated
    return {
        "symbol": position.symbol,
        "positionSide": position.position_side,
        "positionAmt": text8(position.quantity),
        "entryPrice": text8(position.entry_price),
        "breakEvenPrice": text8(position.entry_price),
        "markPrice": text8(mark),
        "unRealizedProfit": text8(unrealized(position, prices)),
        "liquidationPrice": text8(liquidation_price(wallet, position)),
        "isolatedMargin": margin if isolated else "0",
        "isolatedWallet": margin if isolated else "0",
        "notional": text8(position.quantity * mark),
        "marginAsset": "USDT",
        "initialMargin": margin,
        "maintMargin": text8(maintenance_margin(position, prices)),
        "positionInitialMargin": margin,
        "openOrderInitialMargin": "0",
        "adl": 1,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": position.updated_ms,
    }


def get_position_risk_v3(exchange: Exchange, call: Call) -> object:
    wallet, symbol = call.user.futures, call.params.get("symbol")
    return [_risk(wallet, p, exchange.prices) for p in _held(wallet) if symbol in (None, "", p.symbol)]


def get_position_risk_v2(exchange: Exchange, call: Call) -> object:
    """The older form: every symbol, held or not, with leverage and margin type."""
    wallet, wanted = call.user.futures, call.params.get("symbol")
    sides = ("LONG", "SHORT") if wallet.hedged else ("BOTH",)
    rows: list[Json] = []
    for market in exchange.markets_of("perp"):
        if wanted not in (None, "", market.symbol):
            continue
        for side in sides:
            position = wallet.positions.get((market.symbol, side)) or Position(market.symbol, side)
            rows.append(_risk(wallet, position, exchange.prices) | _settings(wallet, market.symbol))
    return rows


def _settings(wallet: FuturesWallet, symbol: str) -> Json:
    isolated = symbol in wallet.isolated
    return {
        "leverage": str(wallet.leverage_of(symbol)),
        "marginType": "isolated" if isolated else "cross",
        "isolated": isolated,
        "isAutoAddMargin": "false",
        "maxNotionalValue": "20000000",
    }


def _totals(wallet: FuturesWallet, prices: PriceBoard) -> dict[str, str]:
    profit, position = total_unrealized(wallet, prices), total_position_margin(wallet, prices)
    maintenance = sum((maintenance_margin(p, prices) for p in _held(wallet)), ZERO)
    available = text8(available_margin(wallet, prices))
    return {
        "InitialMargin": text8(position + wallet.order_margin),
        "MaintMargin": text8(maintenance),
        "WalletBalance": text8(wallet.balance),
        "UnrealizedProfit": text8(profit),
        "MarginBalance": text8(wallet.balance + profit),
        "PositionInitialMargin": text8(position),
        "OpenOrderInitialMargin": text8(wallet.order_margin),
        "CrossWalletBalance": text8(wallet.balance),
        "CrossUnPnl": text8(profit),
        "available": available,
    }


def get_account(exchange: Exchange, call: Call) -> object:
    wallet, prices = call.user.futures, exchange.prices
    totals = _totals(wallet, prices)
    available = totals.pop("available")
    asset: Json = {"asset": "USDT", "availableBalance": available, "maxWithdrawAmount": available}
    asset |= {name[0].lower() + name[1:]: value for name, value in totals.items()}
    asset |= {"marginAvailable": True, "updateTime": exchange.clock.now_ms()}
    return {f"total{name}": value for name, value in totals.items()} | {
        "feeTier": 0,
        "canTrade": call.user.can_trade,
        "canDeposit": True,
        "canWithdraw": call.user.can_withdraw,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "assets": [asset],
        "positions": [
            _risk(wallet, p, prices)
            | _settings(wallet, p.symbol)
            | {
                "unrealizedProfit": text8(unrealized(p, prices)),
                "maxNotional": "20000000",
            }
            for p in _held(wallet)
        ],
    }


def get_balance(exchange: Exchange, call: Call) -> object:
    totals = _totals(call.user.futures, exchange.prices)
    return [
        {
            "accountAlias": call.user.account_id,
            "asset": "USDT",
            "balance": totals["WalletBalance"],
            "crossWalletBalance": totals["CrossWalletBalance"],
            "crossUnPnl": totals["CrossUnPnl"],
            "availableBalance": totals["available"],
            "maxWithdrawAmount": totals["available"],
            "marginAvailable": True,
            "updateTime": exchange.clock.now_ms(),
        }
    ]


def post_leverage(exchange: Exchange, call: Call) -> object:
    market = exchange.market("perp", call.params.get("symbol"))
    leverage = optional_int(call.params, "leverage")
    if leverage is None:
        raise missing("leverage")
    if not 1 <= leverage <= MAX_LEVERAGE:
        raise VenueError(-4028, f"Leverage {leverage} is not valid")
    call.user.futures.leverage[market.symbol] = leverage
    exchange.save(call.user)
    return {"leverage": leverage, "maxNotionalValue": "20000000", "symbol": market.symbol}


def post_margin_type(exchange: Exchange, call: Call) -> object:
    market = exchange.market("perp", call.params.get("symbol"))
    wallet, mode = call.user.futures, call.params.get("marginType")
    if mode not in ("ISOLATED", "CROSSED"):
        raise missing("marginType")
    if (mode == "ISOLATED") == (market.symbol in wallet.isolated):
        raise VenueError(-4046, "No need to change margin type.")
    if any(p.symbol == market.symbol for p in _held(wallet)):
        raise VenueError(-4048, "Margin type cannot be changed if there exists position.")
    if any(order.market is market for order in call.user.open_orders.values()):
        raise VenueError(-4047, "Margin type cannot be changed if there exists open orders.")
    (wallet.isolated.add if mode == "ISOLATED" else wallet.isolated.discard)(market.symbol)
    exchange.save(call.user)
    return OK


def get_position_mode(exchange: Exchange, call: Call) -> object:
    return {"dualSidePosition": call.user.futures.hedged}


def post_position_mode(exchange: Exchange, call: Call) -> object:
    wallet = call.user.futures
    if "dualSidePosition" not in call.params:
        raise missing("dualSidePosition")
    hedged = flag(call.params, "dualSidePosition")
    if hedged == wallet.hedged:
        raise VenueError(-4059, "No need to change position side.")
    if any(order.market.is_perp for order in call.user.open_orders.values()):
        raise VenueError(-4067, "Position side cannot be changed if there exists open orders.")
    if _held(wallet):
        raise VenueError(-4068, "Position side cannot be changed if there exists position.")
    wallet.hedged = hedged
    exchange.save(call.user)
    return OK


def get_symbol_config(exchange: Exchange, call: Call) -> object:
    wallet, wanted = call.user.futures, call.params.get("symbol")
    return [
        {
            "symbol": m.symbol,
            "marginType": "ISOLATED" if m.symbol in wallet.isolated else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": wallet.leverage_of(m.symbol),
            "maxNotionalValue": "20000000",
        }
        for m in exchange.markets_of("perp")
        if wanted in (None, "", m.symbol)
    ]


def get_leverage_bracket(exchange: Exchange, call: Call) -> object:
    bracket = {
        "bracket": 1,
        "initialLeverage": MAX_LEVERAGE,
        "notionalCap": 20000000,
        "notionalFloor": 0,
        "maintMarginRatio": 0.004,
        "cum": 0.0,
    }
    return [{"symbol": market.symbol, "brackets": [bracket]} for market in exchange.markets_of("perp")]


def get_account_config(exchange: Exchange, call: Call) -> object:
    user = call.user
    return {
        "feeTier": 0,
        "canTrade": user.can_trade,
        "canDeposit": True,
        "canWithdraw": user.can_withdraw,
        "dualSidePosition": user.futures.hedged,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        "updateTime": 0,
    }


def get_commission_rate(exchange: Exchange, call: Call) -> object:
    market = exchange.market("perp", call.params.get("symbol"))
    rates = {"makerCommissionRate": text8(market.maker_fee), "takerCommissionRate": text8(market.taker_fee)}
    return {"symbol": market.symbol, **rates}


def get_income(exchange: Exchange, call: Call) -> object:
    """The practice exchange pays no funding; profits and fees are in the trades."""
    return []


ROUTES: Routes = {
    ("GET", "/fapi/v2/account"): Route(get_account, "account"),
    ("GET", "/fapi/v3/account"): Route(get_account, "account"),
    ("GET", "/fapi/v2/balance"): Route(get_balance, "account"),
    ("GET", "/fapi/v3/balance"): Route(get_balance, "account"),
    ("GET", "/fapi/v2/positionRisk"): Route(get_position_risk_v2, "positions"),
    ("GET", "/fapi/v3/positionRisk"): Route(get_position_risk_v3, "positions"),
    ("POST", "/fapi/v1/leverage"): Route(post_leverage, "settings"),
    ("POST", "/fapi/v1/marginType"): Route(post_margin_type, "settings"),
    ("GET", "/fapi/v1/positionSide/dual"): Route(get_position_mode, "settings"),
    ("POST", "/fapi/v1/positionSide/dual"): Route(post_position_mode, "settings"),
    ("GET", "/fapi/v1/symbolConfig"): Route(get_symbol_config, "settings"),
    ("GET", "/fapi/v1/leverageBracket"): Route(get_leverage_bracket, "settings"),
    ("GET", "/fapi/v1/accountConfig"): Route(get_account_config, "settings"),
    ("GET", "/fapi/v1/commissionRate"): Route(get_commission_rate, "settings"),
    ("GET", "/fapi/v1/income"): Route(get_income, "account"),
}
