"""An exchange that asks before each call whether it may go, and reports what came of it. It changes nothing
else: what the adapter raises is raised."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from flask import current_app

from portal.config import Settings
from portal.exchanges.base import Capabilities, Exchange, LastCheck
from portal.exchanges.budgets import Call
from portal.exchanges.errors import ErrorCode, ExchangeError, HeldBackError, Outcome
from portal.exchanges.registry import ExchangeSpec
from portal.services import traffic
from portal.services.traffic import Ruling, Traffic
from portal.services.traffic_lanes import Purpose, Route, route
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

Result = TypeVar("Result")

#: What an entry pays for with its first call that costs anything, so that it does not stop half-way for want
#: of a budget.
_ENTRY = (Call.BALANCES, Call.TICKERS, Call.PLACE)
#: Seconds for which one answer holds: a request needs as long to reach its venue.
_HOLDS = 0.1
#: Seconds to wait for a budget before the work is given back for later.
_PATIENCE = {Purpose.PREVIEW: 0.5, Purpose.ROUTINE: 0.5, Purpose.ENTRY: 0.5, Purpose.VITAL: 2.0}
#: Prices are read once for everybody: a preview that was refused them would keep them from entries too.
_SHARED = frozenset({Call.TICKERS, Call.SECOND_LOOK})
_WHY = {
    "budget": "as many requests as this exchange allows were sent; this one waits its turn",
    "pause": "the exchange asked for a pause after too many requests",
    "breaker": "the exchange does not answer; it is asked again from time to time",
}


class GuardedExchange:
    """`inner`, within the budget of `route`. For one thread and one piece of work, like what it guards."""

    def __init__(self, inner: Exchange, traffic: Traffic, route: Route, purpose: Purpose) -> None:
        self._inner = inner
        self._traffic = traffic
        self._route = route
        self._purpose = purpose
        #: Paid for and not yet made. Other calls do not use it up.
        self._paid: set[Call] = set()
        self._advance = _ENTRY if purpose is Purpose.ENTRY else ()
        self._ruling = Ruling()
        self._ruled_at = float("-inf")

    @property
    def capabilities(self) -> Capabilities:
        """Those of the adapter."""
        return self._inner.capabilities

    def instruments(self) -> Mapping[str, Instrument]:
        """As the adapter. Usually no request at all: it costs nothing, and proves nothing about the venue. A
        table that is really read is counted afterwards."""
        return self._call(Call.INSTRUMENTS, self._inner.instruments, free=True)

    def balances(self, market_type: MarketType) -> Mapping[str, Balance]:
        """As the adapter."""
        return self._call(Call.BALANCES, lambda: self._inner.balances(market_type))

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """As the adapter."""
        return self._call(Call.TICKERS, lambda: self._inner.tickers(symbols))

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """As the adapter."""
        return self._call(Call.SECOND_LOOK, lambda: self._inner.second_look(symbols))

    def place_order(self, request: OrderRequest, last_check: LastCheck | None = None) -> OrderReport:
        """As the adapter; HeldBackError (NOT_PLACED) when it was not even asked."""
        self._refuse_to_preview()
        return self._call(Call.PLACE, lambda: self._inner.place_order(request, last_check))

    def cancel_order(self, ref: OrderRef) -> None:
        """As the adapter."""
        self._refuse_to_preview()
        self._call(Call.CANCEL, lambda: self._inner.cancel_order(ref))

    def find_order(self, ref: OrderRef) -> Lookup:
        """As the adapter."""
        return self._call(Call.FIND, lambda: self._inner.find_order(ref))

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """As the adapter."""
        return self._call(Call.OPEN, lambda: self._inner.open_orders(symbol))

    def all_open_orders(self, kind: MarketType) -> Listing:
        """As the adapter."""
        return self._call(Call.OPEN_ALL, lambda: self._inner.all_open_orders(kind))

    def fills(
        self, symbol: str, since: datetime, exchange_order_id: str | None = None
    ) -> Sequence[FillReport]:
        """As the adapter."""
        return self._call(Call.FILLS, lambda: self._inner.fills(symbol, since, exchange_order_id))

    def positions(self, symbols: Sequence[str]) -> Sequence[PositionReport]:
        """As the adapter."""
        return self._call(Call.POSITIONS, lambda: self._inner.positions(symbols))

    def account_facts(self, *, thorough: bool = True) -> AccountFacts:
        """As the adapter."""
        call = Call.FACTS if thorough else Call.BALANCES
        return self._call(call, lambda: self._inner.account_facts(thorough=thorough))

    def close(self) -> None:
        """Nothing: the adapter belongs to the pool."""

    def _refuse_to_preview(self) -> None:
        if self._purpose is Purpose.PREVIEW:
            raise ExchangeError(
                ErrorCode.UNSUPPORTED,
                "A preview sends and cancels nothing. Nothing was placed.",
                outcome=Outcome.NOT_PLACED,
            )

    def _call(self, call: Call, work: Callable[[], Result], *, free: bool = False) -> Result:
        ruling = self._enter(call, free=free)
        try:
            result = work()
        except ExchangeError as error:
            self._ruled_at = float("-inf")
            self._traffic.failed(self._route, call, error, ruling)
            raise
        finally:
            self._traffic.charge_unpaid(self._route)
        if free:
            self._ruled_at = time.monotonic()
        elif ruling.troubled:
            self._ruled_at = float("-inf")
            self._traffic.worked(self._route)
        return result

    def _enter(self, call: Call, *, free: bool) -> Ruling:
        """Wait for the leave to go, a little. Raises HeldBackError when it is not to be had soon."""
        fresh = time.monotonic() - self._ruled_at < _HOLDS
        if fresh and (free or call in self._paid or self._ruling.probing):
            self._paid.discard(call)
            return self._ruling
        asked_for = () if free or call in self._paid else {call, *self._advance}
        asked = [sum(lane.costs[each] for each in asked_for) for lane in self._route.lanes]
        shared = self._purpose is Purpose.PREVIEW and call in _SHARED
        purpose = Purpose.ROUTINE if shared else self._purpose
        deadline = time.monotonic() + _PATIENCE[purpose]
        ruling = self._traffic.ask(self._route, call, purpose, *asked)
        while ruling.wait and ruling.reason == "budget" and time.monotonic() + ruling.wait < deadline:
            time.sleep(ruling.wait)
            ruling = self._traffic.ask(self._route, call, purpose, *asked)
        if ruling.wait:
            raise _held_back(self._route.exchange_name, ruling)
        if asked_for:
            self._advance = ()
        self._paid = (self._paid | {*asked_for}) - {call}
        self._ruling, self._ruled_at = ruling, time.monotonic()
        return ruling


def guard(
    inner: Exchange, spec: ExchangeSpec, purpose: Purpose, *, connection_id: int | None = None
) -> Exchange:
    """`inner`, opened for `spec`, within the budget of its venue; for a connection, of its account too. A
    paper account counts as what it is: a reader of public data."""
    settings: Settings = current_app.extensions["portal_settings"]
    found = route(
        spec.reads_from,
        settings.egress,
        connection_id=connection_id,
        api_key=spec.credentials.get("apiKey") or spec.credentials.get("walletAddress"),
        base_url=spec.base_url,
    )
    return GuardedExchange(inner, traffic.current(), found, purpose)


def _held_back(exchange_name: str, ruling: Ruling) -> HeldBackError:
    seconds = max(1, math.ceil(ruling.wait))
    code = ErrorCode.UNAVAILABLE if ruling.reason == "breaker" else ErrorCode.RATE_LIMITED
    message = f"{exchange_name}: {_WHY[ruling.reason]}. Nothing was sent; it is tried again in {seconds} s."
    return HeldBackError(code, message, retry_after=seconds, for_all=ruling.for_all)
