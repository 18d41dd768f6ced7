"""What fees in a third coin (BNB on USDT pairs) are worth in the currency that the position is counted in:
the venue's own price of that coin, read when the fill is. Without a price they are kept as they are and
told."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import ExecutionLog, ExecutionPosition
from portal.services import journal
from portal.services.notifications import notify
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact, text
from portal.trading.orders import Fee, FillReport, Ticker
from portal.trading.pnl import SCALE
from portal.trading.types import NotificationType

logger = logging.getLogger(__name__)

#: The price of now is not taken for that of a fill older than this.
OLDEST = timedelta(minutes=5)
_EVENT = "fees_uncounted"


def priced(fills: Iterable[FillReport], exchange: Exchange) -> tuple[FillReport, ...]:
    """`fills`, with a rate on each fee in a third coin that the exchange has a price for now.

    Network only where there is such a fee, and never inside a transaction; raises nothing that a venue can
    cause. May be repeated: the first rate that is stored with a fill stays."""
    fills = tuple(fills)
    if not any(_names_third_coin(fill) for fill in fills):
        return fills
    try:
        markets = exchange.instruments()
    except ExchangeError:
        return fills
    reader = _Reader(exchange, markets)
    return tuple(reader.priced(fill) for fill in fills)


def tell_uncounted(position: ExecutionPosition, fees: Mapping[str, Decimal]) -> None:
    """Fees of `position` that are in no figure, once per position. Does not commit."""
    noted = sa.select(ExecutionLog.id).where(
        ExecutionLog.position_id == position.id, ExecutionLog.event == _EVENT
    )
    if position.id is None or db.session.execute(noted.limit(1)).first() is not None:
        return
    listed = " and ".join(f"{text(cost)} {currency}" for currency, cost in sorted(fees.items()))
    message = (
        f"A fee of {listed} is not in the result: the exchange told no price of it in {position.settle}. The "
        "fee is kept with its fill"
    )
    journal.note(_EVENT, message, position=position)
    title = f"{position.currency_pair}: a fee is not counted"
    notify(NotificationType.ERROR, title, f"{message}.", position=position)


def _names_third_coin(fill: FillReport) -> bool:
    """Without asking anybody: nearly all fees are in a currency of the pair."""
    own = set(fill.symbol.replace(":", "/").split("/"))
    return any(fee.currency not in own for fee in fill.fees)


class _Reader:
    """Prices of third coins for the fills of one answer; each is read once."""

    def __init__(self, exchange: Exchange, markets: Mapping[str, Instrument]) -> None:
        self._exchange = exchange
        self._markets = markets
        self._known: dict[tuple[str, str], tuple[Decimal, str] | None] = {}

    def priced(self, fill: FillReport) -> FillReport:
        market = self._markets.get(fill.symbol)
        if market is None or utcnow() - fill.filled_at > OLDEST:
            return fill
        return replace(fill, fees=tuple(self._with_rate(fee, market) for fee in fill.fees))

    def _with_rate(self, fee: Fee, market: Instrument) -> Fee:
        counted = fee.currency == market.cash_currency or (fee.currency == market.base and market.linear)
        if counted or fee.rate is not None:
            return fee
        pair = (fee.currency, market.cash_currency)
        if pair not in self._known:
            self._known[pair] = self._read(*pair)
        found = self._known[pair]
        return fee if found is None else replace(fee, rate=found[0], rate_source=found[1])

    def _read(self, coin: str, cash: str) -> tuple[Decimal, str] | None:
        # Futures venues often list no spot market: a perpetual trades within a few basis points of it.
        names = ((f"{coin}/{cash}", False), (f"{coin}/{cash}:{cash}", False), (f"{cash}/{coin}", True))
        for symbol, turned in names:
            ticker = self._ticker(symbol) if symbol in self._markets else None
            mark = ticker.mark_price if ticker is not None else None
            if ticker is not None and mark is not None and mark > 0:
                with exact():
                    rate = (1 / mark if turned else mark).quantize(SCALE)
                return rate.normalize(), f"{symbol} {ticker.observed_at.isoformat(timespec='seconds')}"
        return None

    def _ticker(self, symbol: str) -> Ticker | None:
        try:
            return self._exchange.tickers([symbol]).get(symbol)
        except ExchangeError as error:
            logger.info("the price of %s for a fee could not be read: %s", symbol, error)
            return None
