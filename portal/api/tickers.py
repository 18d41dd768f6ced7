"""From a chart's ticker to a currency pair: `BINANCE:BTCUSDT.P` is `BTC/USDT`, a swap. Guesses nothing: what
can be read in two ways is refused."""

import re
from typing import NamedTuple

#: Longest first is not needed: every way to read a ticker is tried.
QUOTES = (
    "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "DAI", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD",
    "TRY", "BRL", "BTC", "ETH", "BNB",
)  # fmt: skip
#: Decide between two readings of one ticker: BTCBUSD is BTC/BUSD, because BTC is well known and BTCB is not.
WELL_KNOWN = frozenset(QUOTES) | {
    "ADA", "APT", "ARB", "ATOM", "AVAX", "BCH", "DOGE", "DOT", "ETC", "FIL", "HBAR", "ICP", "LINK", "LTC",
    "MATIC", "NEAR", "OP", "PEPE", "POL", "SHIB", "SOL", "SUI", "TON", "TRX", "UNI", "XAU", "XLM",
    "XMR", "XRP",
}  # fmt: skip
_EXCHANGE = re.compile(r"[A-Z0-9_]{1,20}:")
_TICKER = re.compile(r"[A-Z0-9]{2,20}")
_PAIR = re.compile(r"[A-Z0-9]{1,15}/[A-Z0-9]{1,15}(:[A-Z0-9]{1,15})?")


class Ticker(NamedTuple):
    """`is_swap` is True when the ticker says so by `.P`."""

    currency_pair: str
    is_swap: bool


class TickerError(ValueError):
    """The ticker names no pair, or more than one. The text says what to write instead."""


def read_ticker(text: str) -> Ticker:
    """Raises TickerError."""
    ticker = text.strip().upper()
    if len(ticker) > 60:
        raise TickerError("was too long for a symbol; write it as BTC/USDT")
    prefix = _EXCHANGE.match(ticker)
    if prefix:
        ticker = ticker[prefix.end() :]
    is_swap = ticker.endswith(".P")
    ticker = ticker.removesuffix(".P")
    if _PAIR.fullmatch(ticker):
        return Ticker(ticker, is_swap)
    return Ticker(_split(re.sub(r"[-_]", "", ticker) if _is_dashed(ticker) else ticker, text), is_swap)


def _is_dashed(ticker: str) -> bool:
    return re.fullmatch(r"[A-Z0-9]+[-_][A-Z0-9]+", ticker) is not None


def _split(ticker: str, text: str) -> str:
    if not _TICKER.fullmatch(ticker):
        raise TickerError(f"was {text.strip()[:30]!r}, which is no symbol; write it as BTC/USDT")
    readings = [
        (ticker.removesuffix(quote), quote) for quote in QUOTES if ticker.endswith(quote) and ticker != quote
    ]
    known = [reading for reading in readings if reading[0] in WELL_KNOWN]
    chosen = known if len(known) == 1 else readings
    if len(chosen) == 1:
        return "/".join(chosen[0])
    if not chosen:
        raise TickerError(f"was {ticker}, which ends in no known quote currency; write it as BTC/USDT")
    shown = " or ".join("/".join(reading) for reading in chosen)
    raise TickerError(f"was {ticker}, which could be {shown}; write it with the slash")
