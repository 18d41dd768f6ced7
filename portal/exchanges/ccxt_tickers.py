"""Best prices of many symbols with as few requests as the venue allows. Reads only."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal.exchanges.ccxt_numbers import price_or_none
from portal.exchanges.ccxt_reports import to_ticker
from portal.exchanges.ccxt_session import CcxtSession
from portal.trading.orders import Ticker

#: Above this many symbols one answer with all of them is cheaper than one call each.
_FEW = 3
#: So many order books are read for one second look; above it best prices are read once more.
MOST_BOOKS = 5


def read_tickers(session: CcxtSession, symbols: Sequence[str]) -> dict[str, Ticker]:
    """One request per market type where the venue can. Raises ExchangeError; may be repeated."""
    return _kind_by_kind(session, symbols, _of_one_kind)


def _kind_by_kind(
    session: CcxtSession,
    symbols: Sequence[str],
    read: Callable[[CcxtSession, Sequence[str]], dict[str, Ticker]],
) -> dict[str, Ticker]:
    """No venue answers for spot and swaps in one request."""
    found: dict[str, Ticker] = {}
    known = session.instruments()
    for swap in (False, True):
        group = [symbol for symbol in symbols if symbol in known and (":" in symbol) is swap]
        if group:
            found |= read(session, group)
    return found


def _of_one_kind(session: CcxtSession, symbols: Sequence[str]) -> dict[str, Ticker]:
    if session.has("fetchBidsAsks"):
        raw = session.read("fetch_bids_asks", list(symbols))
    elif session.has("fetchTickers") and len(symbols) > _FEW:
        raw = session.read("fetch_tickers", list(symbols))
    else:
        raw = {symbol: session.read("fetch_ticker", symbol) for symbol in symbols}
    usable = ((symbol, to_ticker(raw[symbol], symbol)) for symbol in symbols if symbol in raw)
    return {symbol: ticker for symbol, ticker in usable if ticker is not None}


def second_look(session: CcxtSession, symbols: Sequence[str]) -> dict[str, Ticker]:
    """The same prices by other routes than `read_tickers`: best bid and ask from the order book while they
    are few, and the last trade. Raises ExchangeError; may be repeated."""
    return _kind_by_kind(session, symbols, _by_other_routes)


def _by_other_routes(session: CcxtSession, symbols: Sequence[str]) -> dict[str, Ticker]:
    if session.has("fetchTickers"):
        traded: Mapping[str, Any] = session.read("fetch_tickers", list(symbols))
    else:
        traded = {symbol: session.read("fetch_ticker", symbol) for symbol in symbols}
    if len(symbols) <= MOST_BOOKS and session.has("fetchOrderBook"):
        books: Mapping[str, Any] = {symbol: _top(session, symbol) for symbol in symbols}
    elif session.has("fetchBidsAsks"):
        books = session.read("fetch_bids_asks", list(symbols))
    else:
        books = traded
    looks = {
        symbol: to_ticker({**(books.get(symbol) or {}), **_last(traded.get(symbol))}, symbol)
        for symbol in symbols
    }
    return {symbol: ticker for symbol, ticker in looks.items() if ticker is not None}


def _last(ticker: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"last": (ticker or {}).get("last")}


def _top(session: CcxtSession, symbol: str) -> dict[str, Any]:
    """Best bid and ask of the order book, in the venue's own depth. ccxt sorts prices that are text as text,
    so all are looked at."""
    book = session.read("fetch_order_book", symbol)
    bids = [price for level in book.get("bids") or () if (price := price_or_none(level[0])) is not None]
    asks = [price for level in book.get("asks") or () if (price := price_or_none(level[0])) is not None]
    return {
        "bid": max(bids, default=None),
        "ask": min(asks, default=None),
        "timestamp": book.get("timestamp"),
    }
