"""What venues say of an API key: one small file per venue knows the question and how its answer reads.

A reader may use the network through `Question.ask` only, raises what that raises, and answers None wherever
the venue did not say. What each rests on is in docs/adding-an-exchange.md.
"""

from collections.abc import Mapping

from portal.exchanges.ccxt_keys import (
    binance,
    bingx,
    bitfinex,
    bitget,
    bybit,
    coinbase,
    deribit,
    gate,
    htx,
    kraken,
    kucoin,
    mexc,
    okx,
)
from portal.exchanges.ccxt_keys.facts import KeyFacts, KeyReader, Question
from portal.exchanges.dialects import BINANCE, BYBIT, GATE, KUCOIN, OKX

__all__ = ["READERS", "KeyFacts", "KeyReader", "Question"]

#: By ccxt's name of the dialect. Venues that are not here have no such question that ccxt can ask.
READERS: Mapping[str, KeyReader] = {
    **dict.fromkeys(BINANCE, binance.read),
    "bingx": bingx.read,
    "bitfinex": bitfinex.read,
    "bitget": bitget.read,
    **dict.fromkeys(BYBIT, bybit.read),
    "coinbase": coinbase.read,
    "deribit": deribit.read,
    **dict.fromkeys(GATE, gate.read),
    "htx": htx.read,
    "kraken": kraken.read,
    **dict.fromkeys(KUCOIN, kucoin.read),
    "mexc": mexc.read,
    **dict.fromkeys(OKX, okx.read),
}
