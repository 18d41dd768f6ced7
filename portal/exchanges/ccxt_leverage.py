"""Sets leverage and margin mode before an order asks for them, once per client and value. Safe to repeat."""

from decimal import Decimal

import ccxt

from portal.exchanges.ccxt_params import unsupported
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.errors import ExchangeError
from portal.trading.orders import OrderRequest
from portal.trading.types import MarginMode

#: How venues say that it is set so already; ccxt has no class for most of them.
_SAME_ALREADY = (
    "not modified",
    "not been modified",
    "no need to change",
    "not need to be changed",
    "same leverage",
    "not changed",
)


class Leverage:
    """What this client has already set, by symbol."""

    def __init__(self, session: CcxtSession) -> None:
        self._session = session
        self._set: dict[str, tuple[Decimal | None, MarginMode | None]] = {}

    def prepare(self, request: OrderRequest) -> None:
        """Make the account trade `request.symbol` as the request says. Raises ExchangeError NOT_PLACED:
        whatever failed here, the order was not sent.
        """
        wanted = (request.leverage, request.margin_mode)
        if wanted == (None, None) or request.reduce_only or self._set.get(request.symbol) == wanted:
            return
        try:
            self._margin_mode(request)
            self._leverage(request)
        except ExchangeError as error:
            error.message = (
                f"The order was not sent: leverage or margin mode could not be set. {error.message}"
            )
            raise
        self._set[request.symbol] = wanted

    def _margin_mode(self, request: OrderRequest) -> None:
        venue = self._session.venue
        if request.margin_mode is None or venue.margin_mode_in_order or venue.leverage_margin_field:
            return
        if not self._session.has("setMarginMode"):
            raise unsupported(
                f"The margin mode cannot be set at {venue.title} from here; leave it empty in the preset"
            )
        self._once("set_margin_mode", request.margin_mode.value, request.symbol)

    def _leverage(self, request: OrderRequest) -> None:
        if request.leverage is None or self._session.venue.leverage_in_order:
            return
        if not self._session.has("setLeverage"):
            raise unsupported(
                f"Leverage cannot be set at {self._session.venue.title} from here; leave it empty"
            )
        whole = request.leverage == request.leverage.to_integral_value()
        number = int(request.leverage) if whole else float(request.leverage)
        field = self._session.venue.leverage_margin_field
        mode = request.margin_mode or MarginMode.CROSS
        self._once("set_leverage", number, request.symbol, {field: mode.value} if field else {})

    def _once(self, method: str, *args: object) -> None:
        try:
            self._session.read(method, *args)
        except ExchangeError as error:
            unchanged = isinstance(error.__cause__, ccxt.NoChange)  # MarginModeAlreadySet is one
            if not unchanged and not any(text in error.message.casefold() for text in _SAME_ALREADY):
                raise
