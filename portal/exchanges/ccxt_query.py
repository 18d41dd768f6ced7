"""Asks a venue for one order by every route it has, and says which kinds of endpoint truly did not have it.

A list that may be cut off, an answer without an id and a failed call are no answer; they never count as
absence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import ccxt

from portal.exchanges.ccxt_fills import read_trades
from portal.exchanges.ccxt_numbers import to_milliseconds
from portal.exchanges.ccxt_reports import to_order_report
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues import QueryRoute, shape_client_order_id
from portal.trading.orders import Lookup, OrderRef, OrderReport
from portal.trading.proof import Endpoint, shows_no_trace

#: Lists are asked for from this long before the order was sent: clocks differ.
LOOK_BACK = timedelta(seconds=60)

_Order = Mapping[str, Any]


class _NoAnswerError(Exception):
    """The route answered, but not so that anything follows from it."""


def find_order(session: CcxtSession, ref: OrderRef) -> Lookup:
    """Look on all routes until found. Raises ExchangeError only when no route gave an answer."""
    query = _Query(session, ref)
    absent: set[Endpoint] = set()
    failure: ExchangeError | None = None
    for kind, ask in query.questions():
        if kind is Endpoint.FILLS and shows_no_trace(absent):
            continue  # the fills say less and cost more; the others have answered
        try:
            order = ask()
            if order is not None:
                return Lookup(query.report(order))
        except _NoAnswerError:
            continue
        except ExchangeError as error:
            failure = failure or error
            continue
        absent.add(kind)
    if not absent:
        raise failure or ExchangeError(
            ErrorCode.BAD_ANSWER,
            f"{session.venue.title} gave no usable answer about the order. It is asked again later.",
            outcome=Outcome.UNKNOWN,
        )
    return Lookup(None, frozenset(absent))


class _Query:
    """One search. Every question returns the ccxt order, None for "not there", or raises."""

    def __init__(self, session: CcxtSession, ref: OrderRef) -> None:
        self._session = session
        self._venue = session.venue
        self._ref = ref
        self._shaped = str(shape_client_order_id(ref.client_order_id, self._venue.id_shape))
        self._trigger = self._venue.trigger_params(ref.symbol) if ref.trigger else {}
        self._since = to_milliseconds(ref.sent_at - LOOK_BACK)

    def questions(self) -> Sequence[tuple[Endpoint, Callable[[], _Order | None]]]:
        """The venue's routes, the order endpoint by the venue's own id first when that is known."""
        ask = {
            QueryRoute.ORDER_BY_CLIENT_ID: self._by_client_id,
            QueryRoute.PENDING_BY_CLIENT_ID: self._by_client_id,
            QueryRoute.ORDER_BY_EXTERNAL_OID: self._by_external_oid,
            QueryRoute.ORDER_BY_LABEL: self._by_label,
            QueryRoute.OPEN: self._open,
            QueryRoute.HISTORY: self._history,
            QueryRoute.FILLS: self._fills,
        }
        routes = self._venue.routes_for(swap=":" in self._ref.symbol)
        questions = [(route.kind, ask[route]) for route in routes]
        if self._ref.exchange_order_id is not None and self._session.has("fetchOrder"):
            questions.insert(0, (Endpoint.ORDER, self._by_exchange_id))
        return questions

    def report(self, order: _Order) -> OrderReport:
        """What was found, with what became of it: a stop that has triggered may work as another order."""
        symbol, ours = self._ref.symbol, self._ref.client_order_id if self._is_ours(order) else None
        found = to_order_report(order, symbol=symbol, client_order_id=ours)
        found = replace(found, forced=self._session.is_forced(order))
        field = self._venue.working_order_field
        if not self._ref.trigger or field not in (order.get("info") or {}):
            return found
        working = str(order["info"][field] or "0")
        if working == "0":
            if order.get("status") == "closed":
                raise _NoAnswerError  # it has triggered, and what it has become is not named yet
            return found
        child = to_order_report(self._session.read("fetch_order", working, symbol), symbol=symbol)
        return replace(
            child,
            exchange_order_id=found.exchange_order_id,
            client_order_id=found.client_order_id,
            trigger_price=found.trigger_price,
            reduce_only=found.reduce_only,
            working_order_id=working,
        )

    def _by_exchange_id(self) -> _Order | None:
        return self._one(
            lambda: self._session.read(
                "fetch_order", self._ref.exchange_order_id, self._ref.symbol, dict(self._trigger)
            )
        )

    def _by_client_id(self) -> _Order | None:
        params = {self._venue.query_field: self._shaped, **self._trigger}
        return self._one(lambda: self._session.read("fetch_order", None, self._ref.symbol, params))

    def _by_external_oid(self) -> _Order | None:
        params = {"symbol": self._session.market_id(self._ref.symbol), "external_oid": self._shaped}
        answer = self._raw("contractPrivateGetOrderExternalSymbolExternalOid", params)
        return self._matching([answer["data"]] if isinstance(answer.get("data"), dict) else [])

    def _by_label(self) -> _Order | None:
        currency = self._session.instrument(self._ref.symbol).settle
        answer = self._raw("privateGetGetOrderStateByLabel", {"currency": currency, "label": self._shaped})
        orders = answer.get("result")
        if not isinstance(orders, list):
            raise _NoAnswerError
        return self._matching(orders)

    def _open(self) -> _Order | None:
        if not self._session.has("fetchOpenOrders"):
            raise _NoAnswerError
        return self._in_list("fetch_open_orders", None)

    def _history(self) -> _Order | None:
        has = self._session.has
        if has("fetchOrders"):
            return self._in_list("fetch_orders", self._since)
        if has("fetchCanceledAndClosedOrders"):
            return self._in_list("fetch_canceled_and_closed_orders", self._since)
        methods = [
            ("fetchClosedOrders", "fetch_closed_orders"),
            ("fetchCanceledOrders", "fetch_canceled_orders"),
        ]
        usable = [method for feature, method in methods if has(feature)]
        if not usable:
            raise _NoAnswerError
        found = (self._in_list(method, self._since) for method in usable)
        return next((order for order in found if order is not None), None)

    def _fills(self) -> _Order | None:
        """No fill at all since the order was sent: it was not executed. Any other fill settles nothing."""
        if not self._session.has("fetchMyTrades"):
            raise _NoAnswerError
        if read_trades(self._session, self._ref.symbol, self._since, {}):
            raise _NoAnswerError
        return None

    def _one(self, ask: Callable[[], Any]) -> _Order | None:
        try:
            order = ask()
        except ExchangeError as error:
            if _says_not_found(error):
                return None
            raise
        if not isinstance(order, dict) or not order.get("id"):
            raise _NoAnswerError
        if not self._is_it(order):
            raise _NoAnswerError  # an answer about another order
        return order

    def _in_list(self, method: str, since: int | None) -> _Order | None:
        listed = self._venue.page_size if self._venue.lists_name_our_id else None
        params: dict[str, Any] = dict(self._trigger)
        if self._venue.list_field:
            params[self._venue.list_field] = self._shaped
        orders = self._session.read(method, self._ref.symbol, since, listed, params)
        found = next((order for order in orders if self._is_it(order)), None)
        rows = self._session.wire.rows() if found is None else 0
        if rows >= self._venue.page_size:
            raise _NoAnswerError  # there may be more
        if rows and not self._venue.lists_name_our_id:
            raise _NoAnswerError  # ours may be among them under another name
        return found

    def _matching(self, raw_orders: Sequence[Any]) -> _Order | None:
        market = self._session.client.market(self._ref.symbol)
        orders = [self._session.client.parse_order(order, market) for order in raw_orders]
        if orders and not any(order.get("id") for order in orders):
            raise _NoAnswerError
        named = [
            {**order, "clientOrderId": self._shaped} for order in orders
        ]  # asked for by our id and nothing else
        return named[0] if named else None

    def _raw(self, method: str, params: dict[str, str]) -> Mapping[str, Any]:
        try:
            answer = self._session.read(method, params)
        except ExchangeError as error:
            if _says_not_found(error):
                return {"result": []}
            raise
        if not isinstance(answer, dict):
            raise _NoAnswerError
        return answer

    def _is_it(self, order: _Order) -> bool:
        if self._ref.exchange_order_id is not None and str(order.get("id")) == self._ref.exchange_order_id:
            return True
        named = order.get("clientOrderId")
        return named is not None and str(named) == self._shaped

    def _is_ours(self, order: _Order) -> bool:
        """Whether it carries our id, or was asked for by the venue's own and names none."""
        return str(order.get("clientOrderId") or self._shaped) == self._shaped


def _says_not_found(error: ExchangeError) -> bool:
    """The venue answered that it has no such order (not: that it has no such page)."""
    return error.venue_code is not None and isinstance(error.__cause__, ccxt.OrderNotFound)
