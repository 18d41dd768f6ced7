"""A paper account behind the contract of `base`: prices of a real venue, orders in our own ledger.

Every question lets the market act on what rests first, so nothing needs a process of its own. Prices are
read before the ledger is locked; one call is one transaction there, so an order exists or it does not."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from portal.exchanges.base import Capabilities, IdentityClass, LastCheck
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper import reports
from portal.exchanges.paper.accepting import accept
from portal.exchanges.paper.account import PaperOrder
from portal.exchanges.paper.ledger import OpenLedger, PaperLedger
from portal.exchanges.paper.market import MarketData
from portal.exchanges.paper.matching import match
from portal.exchanges.paper.prices import SharedPrices
from portal.exchanges.paper.refusals import invalid
from portal.exchanges.paper.settings import PaperSettings
from portal.trading.instrument import Instrument
from portal.trading.orders import (
    AccountFacts,
    Balance,
    FillReport,
    Listing,
    Lookup,
    OrderRef,
    OrderReport,
    OrderRequest,
    PositionReport,
    Ticker,
)
from portal.trading.types import MarketType, OrderState, OrderType, TimeInForce

logger = logging.getLogger(__name__)

#: One ledger answers for both kinds of list, and nobody can add to it while it is asked.
_EVERYWHERE = frozenset({"order", "open"})


def _now() -> datetime:
    return datetime.now(UTC)


class PaperExchange:
    """One paper account. `market` is all that it can reach, and `prices` are a shared look at the same."""

    def __init__(
        self,
        market: MarketData,
        ledger: PaperLedger,
        settings: PaperSettings,
        prices: SharedPrices,
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._market = market
        self._ledger = ledger
        self._settings = settings
        self._prices = prices
        self._clock = clock
        self._opening: Mapping[str, Decimal] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What is simulated: everything but inverse contracts."""
        swap = MarketType.SWAP in self._market.market_types
        return Capabilities(
            market_types=self._market.market_types,
            order_types=frozenset(OrderType),
            time_in_force=frozenset(TimeInForce),
            identity=IdentityClass.REFUSED_FOR_EVER,
            query_by_client_order_id=True,
            request_window=True,
            reduce_only=swap,
            hedge_mode=swap,
            native_stop=True,
            guards=self._market.market_types,
        )

    def instruments(self) -> Mapping[str, Instrument]:
        """The real venue's markets. May be repeated."""
        return self._market.instruments()

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The real venue's prices. May be repeated."""
        return self._market.tickers(symbols)

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The real venue's, by other routes. May be repeated."""
        return self._market.second_look(symbols)

    def balances(self, market_type: MarketType) -> Mapping[str, Balance]:
        """Spot and swaps share one wallet. May be repeated."""
        with self._looked_at() as ledger:
            account = ledger.account
            return {currency: account.balance(currency) for currency in account.balances}

    def place_order(self, request: OrderRequest, last_check: LastCheck | None = None) -> OrderReport:
        """Accept `request` or refuse it with proof. Never repeat: an id is good for one order."""
        if self._clock() > request.not_after:
            raise _too_late(ErrorCode.WINDOW_PASSED, None)
        with _nothing_placed_yet():
            instrument = self.instruments().get(request.symbol)
            if instrument is None:
                raise invalid("UNKNOWN_SYMBOL", f"The market data has no market {request.symbol}.")
            time.sleep(self._settings.latency_ms / 1000)
            tickers = self._prices.read(sorted({request.symbol, *self._ledger.live_symbols()}))
        if last_check is not None:
            last_check()
        with self._looked_at(tickers) as ledger:
            now = self._clock()
            if now > request.not_after:
                raise _too_late(ErrorCode.CLOCK_OUTSIDE_WINDOW, "PAPER_OUTSIDE_WINDOW")
            if ledger.order(request.client_order_id, None) is not None:
                raise _duplicate()
            ticker = tickers.get(request.symbol)
            order = accept(ledger.account, request, instrument, ticker, self._settings, now)
            made = [fill for fill in ledger.account.fills if fill.order_number == order.number]
        return reports.order_report(order, made)

    def cancel_order(self, ref: OrderRef) -> None:
        """End the order if it still rests; gone already is success. May be repeated."""
        with self._looked_at() as ledger:
            order = _find(ledger, ref)
            if order is not None and order.is_live:
                ledger.account.orders[order.number].end(OrderState.CANCELED, self._clock())

    def find_order(self, ref: OrderRef) -> Lookup:
        """The ledger's word, which is final. May be repeated."""
        with self._looked_at() as ledger:
            order = _find(ledger, ref)
            return Lookup(None, _EVERYWHERE) if order is None else Lookup(reports.order_report(order))

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """What rests on `symbol`. May be repeated."""
        with self._looked_at() as ledger:
            live = ledger.account.live_orders()
            return [reports.order_report(order) for order in live if order.symbol == symbol]

    def all_open_orders(self, kind: MarketType) -> Listing:
        """What rests on all markets of `kind`. May be repeated."""
        with self._looked_at() as ledger:
            live = [reports.order_report(order) for order in ledger.account.live_orders()]
            swap = kind is MarketType.SWAP
            return Listing(tuple(each for each in live if (":" in each.symbol) is swap), whole=True)

    def fills(
        self, symbol: str, since: datetime, exchange_order_id: str | None = None
    ) -> Sequence[FillReport]:
        """All fills on `symbol` since then, oldest first. May be repeated."""
        number = reports.order_number(exchange_order_id)
        if exchange_order_id is not None and number is None:
            return []
        with self._looked_at() as ledger:
            return [reports.fill_report(fill) for fill in ledger.fills(symbol, since, number)]

    def positions(self, symbols: Sequence[str]) -> Sequence[PositionReport]:
        """Open swap positions, of all markets when none is named. May be repeated."""
        with self._looked_at() as ledger:
            return [
                reports.position_report(position)
                for position in ledger.account.open_positions()
                if not symbols or position.symbol in symbols
            ]

    def account_facts(self, *, thorough: bool = True) -> AccountFacts:
        """There is no key: the account may trade on paper and nothing else. May be repeated."""
        with self._looked_at() as ledger:
            account = ledger.account
            return AccountFacts(
                can_trade=True,
                can_withdraw=False,
                position_mode=account.position_mode,
                clock_offset_ms=0,
                permissions=("paper",),
                balances=tuple(account.balance(currency) for currency in account.balances),
            )

    def close(self) -> None:
        """Let go of the market data. The object is not used afterwards."""
        self._market.close()

    @contextmanager
    def _looked_at(self, tickers: Mapping[str, Ticker] | None = None) -> Iterator[OpenLedger]:
        """The locked account, after the market had what it reaches. Leaving commits."""
        opening, instruments = self._opening_balances(), self.instruments()
        prices = self._resting_prices() if tickers is None else tickers
        with self._ledger.locked(opening) as ledger:
            ledger.account.choose_mode(self._settings.position_mode)
            match(ledger.account, instruments, prices, self._settings, self._clock())
            yield ledger

    def _resting_prices(self) -> Mapping[str, Ticker]:
        """Without prices nothing is filled, but the account can still be asked, and orders canceled."""
        symbols = self._ledger.live_symbols()
        if not symbols:
            return {}
        try:
            return self._prices.read(symbols)
        except ExchangeError as error:
            logger.info("paper orders were not matched, their prices could not be read: %s", error)
            return {}

    def _opening_balances(self) -> Mapping[str, Decimal]:
        if self._opening is None:
            counted = Counter(
                each.cash_currency for each in self.instruments().values() if each.active and each.linear
            )
            most = max(counted, key=lambda currency: (counted[currency], currency), default="USDT")
            self._opening = self._settings.opening(most)
        return self._opening


@contextmanager
def _nothing_placed_yet() -> Iterator[None]:
    """Whatever goes wrong while market data is read is proof that nothing was placed."""
    try:
        yield
    except ExchangeError as error:
        if error.outcome is Outcome.NOT_PLACED:
            raise
        raise ExchangeError(
            error.code,
            f"{error.message} Nothing was placed.",
            outcome=Outcome.NOT_PLACED,
            again=not error.permanent,
            retry_after=error.retry_after,
            permanent=error.permanent,
        ) from error


def _find(ledger: OpenLedger, ref: OrderRef) -> PaperOrder | None:
    return ledger.order(ref.client_order_id, reports.order_number(ref.exchange_order_id))


def _too_late(code: ErrorCode, venue_code: str | None) -> ExchangeError:
    return ExchangeError(
        code,
        "The order reached the paper account after its time window. Nothing was placed.",
        outcome=Outcome.NOT_PLACED,
        venue_code=venue_code,
        again=True,
    )


def _duplicate() -> ExchangeError:
    return ExchangeError(
        ErrorCode.DUPLICATE_CLIENT_ORDER_ID,
        "The paper account has an order under this id already. No second one was placed.",
        outcome=Outcome.UNKNOWN,
        venue_code="PAPER_DUPLICATE",
    )
