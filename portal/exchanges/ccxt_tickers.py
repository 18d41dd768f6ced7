"""Best prices of many symbols with as few requests as the venue allows. Reads only."""

from collections.abc import Sequence

from portal.exchanges.ccxt_reports import to_ticker
from portal.exchanges.ccxt_session import CcxtSession
from portal.trading.orders import Ticker

#: Above this many symbols one answer with all of them is cheaper than one call each.
_FEW = 3


def read_tickers(session: CcxtSession, symbols: Sequence[str]) -> dict[str, Ticker]:
    """One request per market type where the venue can. Raises ExchangeError; may be repeated."""
    found: dict[str, Ticker] = {}
    known = session.instruments()
    for swap in (False, True):
        group = [symbol for symbol in symbols if symbol in known and (":" in symbol) is swap]
        if group:
            found |= _of_one_kind(session, group)
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
