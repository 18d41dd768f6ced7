"""All that paper trading may know of a real venue. There is no way to place anything through it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from portal.trading.instrument import Instrument
from portal.trading.orders import Ticker
from portal.trading.types import MarketType


class MarketData(Protocol):
    """Public market data of one venue, without any account. Methods may use the network and may be
    repeated; they raise ExchangeError."""

    @property
    def market_types(self) -> frozenset[MarketType]:
        """What can be traded at the venue. No network."""

    def instruments(self) -> Mapping[str, Instrument]:
        """All markets by unified symbol."""

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Best prices; symbols without a usable price are missing."""

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The same by other routes, to confirm what is hard to believe."""

    def close(self) -> None:
        """The object is not used afterwards."""
