"""Public market data of both sides: time, rules, tickers, depth, candles."""

import json
from collections.abc import Iterable

from portal.exchanges.sandbox import perp_json, spot_json
from portal.exchanges.sandbox.book import asks, best_ask, best_bid, bids
from portal.exchanges.sandbox.call import Call, Route, Routes
from portal.exchanges.sandbox.candles import INTERVALS, klines
from portal.exchanges.sandbox.errors import VenueError, missing, unknown_symbol
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.markets import Kind, Market
from portal.exchanges.sandbox.numbers import optional_int, text8

Json = dict[str, object]
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
]
DAY_MS = 86_400_000


def _kind(call: Call) -> Kind:
    return "perp" if call.path.startswith("/fapi") else "spot"


def _one(exchange: Exchange, call: Call) -> Market:
    if not call.params.get("symbol"):
        raise missing("symbol")
    return exchange.market(_kind(call), call.params["symbol"])


def _chosen(exchange: Exchange, call: Call) -> Iterable[Market]:
    """The markets of `symbols`, or all of them."""
    text = call.params.get("symbols")
    if not text:
        return exchange.markets_of(_kind(call))
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list):
        raise VenueError(-1100, "Illegal characters found in parameter 'symbols'.")
    return [exchange.market(_kind(call), str(name)) for name in names]


def get_ping(exchange: Exchange, call: Call) -> object:
    return {}


def get_time(exchange: Exchange, call: Call) -> object:
    return {"serverTime": exchange.clock.now_ms()}


def get_exchange_info(exchange: Exchange, call: Call) -> object:
    render = perp_json.market_json if _kind(call) == "perp" else spot_json.market_json
    wanted = call.params.get("symbol")
    markets = [exchange.market(_kind(call), wanted)] if wanted else _chosen(exchange, call)
    return {
        "timezone": "UTC",
        "serverTime": exchange.clock.now_ms(),
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": [render(market) for market in markets],
    }


def no_inverse_markets(exchange: Exchange, call: Call) -> object:
    return {"timezone": "UTC", "serverTime": exchange.clock.now_ms(), "rateLimits": [], "symbols": []}


def _book_ticker(exchange: Exchange, market: Market) -> Json:
    price, shape = exchange.price(market), exchange.shape(market)
    bid, ask = best_bid(market, price, shape), best_ask(market, price, shape)
    depth = market.depth_notional * shape.depth_factor
    ticker: Json = {
        "symbol": market.symbol,
        "bidPrice": text8(bid),
        "bidQty": text8(depth / bid // market.lot_size * market.lot_size),
        "askPrice": text8(ask),
        "askQty": text8(depth / ask // market.lot_size * market.lot_size),
    }
    if market.is_perp:
        ticker["time"] = exchange.clock.now_ms()
    return ticker | _wrong(exchange, "bookTicker", market)


def _wrong(exchange: Exchange, route: str, market: Market) -> Json:
    """What a scripted bad feed says on this route."""
    return exchange.misquotes.get((route, market.symbol), {})


def get_book_ticker(exchange: Exchange, call: Call) -> object:
    if call.params.get("symbol"):
        return _book_ticker(exchange, _one(exchange, call))
    return [_book_ticker(exchange, market) for market in _chosen(exchange, call)]


def _price_ticker(exchange: Exchange, market: Market) -> Json:
    ticker: Json = {"symbol": market.symbol, "price": text8(exchange.price(market))}
    return ticker | {"time": exchange.clock.now_ms()} if market.is_perp else ticker


def get_price(exchange: Exchange, call: Call) -> object:
    if call.params.get("symbol"):
        return _price_ticker(exchange, _one(exchange, call))
    return [_price_ticker(exchange, market) for market in _chosen(exchange, call)]


def _day_ticker(exchange: Exchange, market: Market) -> Json:
    quote, now = exchange.prices.quotes[market.symbol], exchange.clock.now_ms()
    change = quote.last - quote.opened
    ticker: Json = {
        "symbol": market.symbol,
        "priceChange": text8(change),
        "priceChangePercent": f"{change / quote.opened * 100:.3f}",
        "weightedAvgPrice": text8((quote.high + quote.low) / 2),
        "lastPrice": text8(quote.last),
        "lastQty": "1.0",
        "openPrice": text8(quote.opened),
        "highPrice": text8(quote.high),
        "lowPrice": text8(quote.low),
        "volume": text8(market.depth_notional * 100 / quote.last),
        "quoteVolume": text8(market.depth_notional * 100),
        "openTime": now - DAY_MS,
        "closeTime": now,
        "firstId": 1,
        "lastId": 2,
        "count": 1,
    }
    if market.is_perp:
        return ticker | _wrong(exchange, "24hr", market)
    ticker |= {"prevClosePrice": text8(quote.opened)} | _book_ticker(exchange, market)
    return ticker | _wrong(exchange, "24hr", market)


def get_day_ticker(exchange: Exchange, call: Call) -> object:
    if call.params.get("symbol"):
        return _day_ticker(exchange, _one(exchange, call))
    return [_day_ticker(exchange, market) for market in _chosen(exchange, call)]


def get_depth(exchange: Exchange, call: Call) -> object:
    market = _one(exchange, call)
    price, shape = exchange.price(market), exchange.shape(market)
    limit = optional_int(call.params, "limit") or 100
    now = exchange.clock.now_ms()
    book: Json = {
        "lastUpdateId": now,
        "bids": [[text8(p), text8(q)] for p, q in bids(market, price, shape)][:limit],
        "asks": [[text8(p), text8(q)] for p, q in asks(market, price, shape)][:limit],
    }
    if market.is_perp:
        book |= {"E": now, "T": now}
    return book | _wrong(exchange, "depth", market)


def _premium(exchange: Exchange, market: Market) -> Json:
    price, now = text8(exchange.price(market)), exchange.clock.now_ms()
    return {
        "symbol": market.symbol,
        "markPrice": price,
        "indexPrice": price,
        "estimatedSettlePrice": price,
        "lastFundingRate": "0.00000000",
        "interestRate": "0.00000000",
        "nextFundingTime": (now // (DAY_MS // 3) + 1) * (DAY_MS // 3),
        "time": now,
    }


def get_premium_index(exchange: Exchange, call: Call) -> object:
    if call.params.get("symbol"):
        return _premium(exchange, _one(exchange, call))
    return [_premium(exchange, market) for market in exchange.markets_of("perp")]


def get_klines(exchange: Exchange, call: Call) -> object:
    market = _one(exchange, call)
    interval = INTERVALS.get(call.params.get("interval", ""))
    if interval is None:
        raise VenueError(-1120, "Invalid interval.")
    start, end = optional_int(call.params, "startTime"), optional_int(call.params, "endTime")
    limit = max(1, min(1500, optional_int(call.params, "limit") or 500))
    return klines(exchange, market, interval, start, end, limit)


def no_inverse_tickers(exchange: Exchange, call: Call) -> object:
    if call.params.get("symbol"):
        raise unknown_symbol()
    return []


_SHARED = {
    "ping": Route(get_ping, "time", "none"),
    "time": Route(get_time, "time", "none"),
    "exchangeInfo": Route(get_exchange_info, "exchangeInfo", "none"),
    "ticker/bookTicker": Route(get_book_ticker, "ticker", "none"),
    "ticker/price": Route(get_price, "ticker", "none"),
    "ticker/24hr": Route(get_day_ticker, "ticker", "none"),
    "depth": Route(get_depth, "depth", "none"),
    "klines": Route(get_klines, "klines", "none"),
}
ROUTES: Routes = {
    ("GET", f"{prefix}/{name}"): route
    for prefix in ("/api/v3", "/fapi/v1")
    for name, route in _SHARED.items()
}
ROUTES |= {
    ("GET", "/fapi/v2/ticker/price"): Route(get_price, "ticker", "none"),
    ("GET", "/fapi/v1/premiumIndex"): Route(get_premium_index, "ticker", "none"),
    ("GET", "/dapi/v1/ping"): Route(get_ping, "time", "none"),
    ("GET", "/dapi/v1/time"): Route(get_time, "time", "none"),
    ("GET", "/dapi/v1/exchangeInfo"): Route(no_inverse_markets, "exchangeInfo", "none"),
    ("GET", "/dapi/v1/ticker/24hr"): Route(no_inverse_tickers, "ticker", "none"),
    ("GET", "/dapi/v1/ticker/bookTicker"): Route(no_inverse_tickers, "ticker", "none"),
}
