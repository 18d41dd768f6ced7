"""Any exchange that ccxt speaks, behind the contract of `base`. Its parts live in the other ccxt_* files.

One object is one account and belongs to one thread at a time (`pool` sees to that). Making one costs no
network.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import ccxt

from portal.exchanges.base import Capabilities, Credentials, LastCheck
from portal.exchanges.ccxt_capabilities import capabilities_of
from portal.exchanges.ccxt_facts import brief_facts, read_facts
from portal.exchanges.ccxt_fills import read_fills
from portal.exchanges.ccxt_leverage import Leverage
from portal.exchanges.ccxt_listing import all_open_orders
from portal.exchanges.ccxt_markets import venue_markets
from portal.exchanges.ccxt_place import place_order
from portal.exchanges.ccxt_query import find_order
from portal.exchanges.ccxt_reports import to_balances, to_order_report, to_positions
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.ccxt_tickers import read_tickers, second_look
from portal.exchanges.errors import ExchangeError
from portal.exchanges.venues_table import venue as venue_of
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
from portal.trading.types import MarketType


class CcxtExchange:
    """An account at a ccxt exchange."""

    def __init__(
        self,
        exchange_name: str,
        credentials: Credentials,
        *,
        base_url: str | None = None,
        options: Mapping[str, object] | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        venue = venue_of(exchange_name)
        markets = venue_markets(exchange_name, venue, base_url, timeout_seconds)
        self.session = CcxtSession(venue, markets, credentials, options or {}, timeout_seconds)
        self._leverage = Leverage(self.session)
        self._capabilities = capabilities_of(venue, self.session.client)

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter promises for this venue."""
        return self._capabilities

    def instruments(self) -> Mapping[str, Instrument]:
        """All spot and swap markets by symbol; shared by all accounts, renewed hourly. May be repeated."""
        return self.session.instruments(renew=True)

    def balances(self, market_type: MarketType) -> Mapping[str, Balance]:
        """Free and total per currency. May be repeated."""
        return to_balances(self.session.read("fetch_balance", self.session.wallet_params(market_type)))

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Best prices, one request per market type where the venue can. May be repeated."""
        return read_tickers(self.session, symbols)

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The same by other routes: order book and last trade. May be repeated."""
        return second_look(self.session, symbols)

    def place_order(self, request: OrderRequest, last_check: LastCheck | None = None) -> OrderReport:
        """Send `request` ONCE. NOT_PLACED only with proof; anything else raised is UNKNOWN. Never repeat."""
        return place_order(self.session, self._leverage, request, last_check)

    def cancel_order(self, ref: OrderRef) -> None:
        """Ask the venue to cancel; gone already is success. May be repeated."""
        venue = self.session.venue
        params = venue.trigger_params(ref.symbol) if ref.trigger else {}
        order_id = ref.exchange_order_id
        if order_id is None:
            order_id = self._exchange_id_of(ref)
            if order_id is None:
                return
        try:
            self.session.read("cancel_order", order_id, ref.symbol, params)
        except ExchangeError as error:
            if not isinstance(error.__cause__, ccxt.OrderNotFound) or error.venue_code is None:
                raise

    def find_order(self, ref: OrderRef) -> Lookup:
        """Every query route of the venue. Raises only when none answered. May be repeated."""
        return find_order(self.session, ref)

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """Resting orders on `symbol`, foreign ones and separately kept stops included. May be repeated."""
        self.session.instrument(symbol)
        orders = list(self.session.read("fetch_open_orders", symbol))
        if trigger := self.session.venue.trigger_params(symbol):
            orders += self.session.read("fetch_open_orders", symbol, None, None, trigger)
        return [
            to_order_report(order, symbol=symbol) for order in orders if order.get("id") and order.get("side")
        ]

    def all_open_orders(self, kind: MarketType) -> Listing:
        """Resting orders on all markets of `kind`, where the venue lists them at once. May be repeated."""
        return all_open_orders(self.session, kind)

    def fills(
        self, symbol: str, since: datetime, exchange_order_id: str | None = None
    ) -> Sequence[FillReport]:
        """All pages of fills on `symbol`, oldest first. May be repeated."""
        return read_fills(self.session, symbol, since, exchange_order_id)

    def positions(self, symbols: Sequence[str]) -> Sequence[PositionReport]:
        """Open swap positions, of all markets when none is named. May be repeated."""
        known = self.session.instruments(renew=False)
        # Binance, among others, keeps inverse contracts apart and must be told.
        apart = bool(symbols) and not any(known[each].linear for each in symbols if each in known)
        params = {"subType": "inverse"} if apart else {}
        return to_positions(self.session.read("fetch_positions", list(symbols) or None, params))

    def account_facts(self, *, thorough: bool = True) -> AccountFacts:
        """What the key may do; raises when the key cannot even read balances. May be repeated."""
        kinds = self._capabilities.market_types
        wallet = MarketType.SPOT if MarketType.SPOT in kinds else MarketType.SWAP
        read = read_facts if thorough else brief_facts
        return read(self.session, tuple(self.balances(wallet).values()))

    def close(self) -> None:
        """Drop the credentials. The object is not used afterwards."""
        self.session.close()

    def _exchange_id_of(self, ref: OrderRef) -> str | None:
        """The venue's id of an order known by ours; None when two kinds of endpoint do not have it."""
        lookup = self.find_order(ref)
        return lookup.report.exchange_order_id if lookup.report is not None else None
