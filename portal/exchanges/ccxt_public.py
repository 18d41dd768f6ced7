"""Public market data of any exchange that ccxt speaks: no account, no credentials, no orders."""

from collections.abc import Mapping, Sequence

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_capabilities import capabilities_of
from portal.exchanges.ccxt_markets import venue_markets
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.ccxt_tickers import read_tickers, second_look
from portal.exchanges.venues_table import venue as venue_of
from portal.trading.instrument import Instrument
from portal.trading.orders import Ticker
from portal.trading.types import MarketType


class CcxtMarket:
    """Reads markets and prices, and can do nothing else (`portal.exchanges.paper.market.MarketData`)."""

    def __init__(
        self, exchange_name: str, *, base_url: str | None = None, timeout_seconds: float = 10.0
    ) -> None:
        venue = venue_of(exchange_name)
        markets = venue_markets(exchange_name, venue, base_url, timeout_seconds)
        self._session = CcxtSession(venue, markets, Credentials({}), {}, timeout_seconds)
        self._market_types = capabilities_of(venue, self._session.client).market_types

    @property
    def market_types(self) -> frozenset[MarketType]:
        """What can be traded at the venue. No network."""
        return self._market_types

    def instruments(self) -> Mapping[str, Instrument]:
        """All spot and swap markets by symbol, renewed hourly. May be repeated."""
        return self._session.instruments(renew=True)

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Best prices, one request per market type where the venue can. May be repeated."""
        return read_tickers(self._session, symbols)

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The same by other routes: order book and last trade. May be repeated."""
        return second_look(self._session, symbols)

    def close(self) -> None:
        """Connections are shared and stay."""
        self._session.close()
