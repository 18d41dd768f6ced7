"""One account's line to one venue: a ccxt client, its wire and the venue's shared knowledge. Not for two
threads at once.
"""

from collections.abc import Mapping
from typing import Any

import ccxt

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_errors import translate
from portal.exchanges.ccxt_http import Wire
from portal.exchanges.ccxt_markets import VenueMarkets
from portal.exchanges.ccxt_tables import tables_of
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.forced_closes import is_forced
from portal.exchanges.venues import Venue
from portal.trading.instrument import Instrument
from portal.trading.types import MarketType

#: Refusals that may mean that the market's rules changed since they were loaded.
_RULES_MAY_HAVE_CHANGED = frozenset({ErrorCode.INVALID_ORDER, ErrorCode.MARKET_CLOSED})


class CcxtSession:
    """Calls ccxt and translates what it raises. Nothing here decides what to send."""

    def __init__(
        self,
        venue: Venue,
        markets: VenueMarkets,
        credentials: Credentials,
        options: Mapping[str, object],
        timeout_seconds: float,
    ) -> None:
        self.venue = venue
        self.markets = markets
        self.client = markets.client_for(credentials, options, timeout_seconds)
        self.wire: Wire = self.client.session
        self._secrets = tuple(credentials.values.values())
        self._generation = 0

    def instruments(self, *, renew: bool = False) -> Mapping[str, Instrument]:
        """The venue's instruments, renewed first when they are old and `renew` is asked for. Raises
        ExchangeError when they cannot be loaded.
        """
        try:
            self.markets.ensure_loaded(renew=renew)
        except Exception as error:
            raise self.translate(error, wire=self.markets.template.session) from error
        self._generation = self.markets.share_with(self.client, self._generation)
        return self.markets.instruments()

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of `symbol`; raises ExchangeError INVALID_ORDER, nothing sent, when there is
        none.
        """
        instrument = self.instruments().get(symbol)
        if instrument is None:
            self.markets.mark_stale()
            raise ExchangeError(
                ErrorCode.INVALID_ORDER,
                f"{self.venue.title} has no market {symbol} that can be traded here. Nothing was sent. "
                "Check the symbol.",
                outcome=Outcome.NOT_PLACED,
            )
        return instrument

    def has(self, feature: str) -> bool:
        """Whether the venue itself has `feature`; what ccxt emulates does not count."""
        return self.client.has.get(feature) is True

    def read(self, method: str, *args: object, **kwargs: object) -> Any:
        """Call a ccxt method that places nothing. Raises ExchangeError; may be repeated."""
        self.instruments()
        self.prepare()
        self.wire.arm()
        try:
            return getattr(self.client, method)(*args, **kwargs)
        except Exception as error:
            raise self.translate(error) from error

    def prepare(self) -> None:
        """Give the client the venue's time."""
        self.client.options["timeDifference"] = self.markets.clock_offset_ms()

    def translate(
        self, error: Exception, *, placing: bool = False, wire: Wire | None = None
    ) -> ExchangeError:
        """`error` in our words; remembers what it teaches about clock and market rules."""
        translated = translate(
            error,
            wire=wire or self.wire,
            venue=self.venue,
            secrets=self._secrets,
            placing=placing,
            tables=tables_of(self.client),
        )
        if translated.code is ErrorCode.CLOCK_OUTSIDE_WINDOW or isinstance(error, ccxt.InvalidNonce):
            self.markets.distrust_clock()
        if translated.code in _RULES_MAY_HAVE_CHANGED:
            self.markets.mark_stale()
        return translated

    def wallet_params(self, market_type: MarketType) -> dict[str, Any]:
        """What tells ccxt which wallet is meant, on venues that have more than one."""
        both = self.client.has.get("spot") and self.client.has.get("swap")
        return {"type": market_type.value} if both else {}

    def market_id(self, symbol: str) -> str:
        """The venue's own name of `symbol`."""
        self.instruments()
        return str(self.client.market_id(symbol))

    def is_forced(self, said: Mapping[str, Any]) -> bool:
        """Whether a ccxt order or trade was brought about by the venue itself."""
        return is_forced(self.venue.ccxt_id, said.get("info"), str(self.client.walletAddress or ""))

    def close(self) -> None:
        """Drop the credentials. Connections are shared and stay."""
        self.client.apiKey = self.client.secret = self.client.password = self.client.privateKey = None
