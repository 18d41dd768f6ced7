"""Prices for filling, shared by all paper accounts of this process: a thousand accounts that trade one
signal, or wait for one price, ask the venue once. What is hard to believe fills and triggers nothing."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from portal.exchanges import sound_prices
from portal.exchanges.errors import ExchangeError
from portal.exchanges.paper.market import MarketData
from portal.trading.orders import Ticker
from portal.trading.price_sanity import Anchor

#: Younger prices, and younger failures, are not asked for again.
FRESH_SECONDS = 0.5


@dataclass(slots=True)
class _Board:
    """What was last read of one market. A price of None: the venue had none."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: dict[str, tuple[float, Ticker | None]] = field(default_factory=dict)
    failure: tuple[float, ExchangeError] | None = None
    #: The last price of each market that was believed.
    anchors: dict[str, Anchor] = field(default_factory=dict)


_boards: dict[tuple[str, str | None], _Board] = {}
_boards_lock = threading.Lock()


class SharedPrices:
    """The prices of `market`, which is known by `key` in this process."""

    def __init__(self, market: MarketData, key: tuple[str, str | None]) -> None:
        self._market = market
        self._key = key

    def read(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Prices at most `FRESH_SECONDS` old; symbols without one are missing. One thread asks, the others
        wait for its answer. Raises ExchangeError; may be repeated."""
        with _boards_lock:
            board = _boards.setdefault(self._key, _Board())
        with board.lock:
            self._refresh(board, symbols)
            found = {symbol: board.seen[symbol][1] for symbol in symbols}
        return {symbol: ticker for symbol, ticker in found.items() if ticker is not None}

    def _refresh(self, board: _Board, symbols: Sequence[str]) -> None:
        oldest = time.monotonic() - FRESH_SECONDS
        wanted = [name for name in symbols if name not in board.seen or board.seen[name][0] < oldest]
        if not wanted:
            return
        if board.failure is not None and board.failure[0] >= oldest:
            raise board.failure[1]
        try:
            read = sound_prices.read(self._market, wanted, board.anchors, proved=False)
        except ExchangeError as error:
            board.failure = time.monotonic(), error
            raise
        now = time.monotonic()
        board.failure = None
        for name in wanted:
            mark = read[name].mark
            board.seen[name] = now, read[name].ticker if mark is not None else None
            if mark is not None:
                board.anchors[name] = Anchor(mark, datetime.now(UTC))


def forget() -> None:
    """Empty the cache, after prices were set by hand."""
    with _boards_lock:
        _boards.clear()
