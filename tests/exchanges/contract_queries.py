"""EX-40 to EX-49: asking for an order that may or may not exist."""

import time

import pytest

from portal.exchanges.errors import ExchangeError
from portal.trading.types import OrderState
from tests.exchanges.stand import Stand, ref
from tests.helpers import ORDER_QUESTIONS


class QueryCases:
    def test_ex40_an_order_is_found_by_our_id(self, stand: Stand) -> None:
        assert stand.exchange.capabilities.query_by_client_order_id
        request = stand.request()
        placed = stand.place(request)
        found = stand.exchange.find_order(ref(request)).report
        assert found is not None
        assert (found.exchange_order_id, found.state) == (placed.exchange_order_id, OrderState.FILLED)

    def test_ex41_an_order_that_does_not_exist_is_absent_from_two_kinds_of_endpoint(
        self, stand: Stand
    ) -> None:
        lookup = stand.exchange.find_order(ref(stand.request()))
        assert lookup.report is None
        assert lookup.absent_from >= {"order", "open"}

    def test_ex42_an_endpoint_that_fails_is_not_counted_as_absence(self, stand: Stand) -> None:
        stand.exchange.instruments()
        stand.fault("http_before", "query", status=503, count=99)
        lookup = stand.exchange.find_order(ref(stand.request()))
        assert lookup.report is None
        assert "order" not in lookup.absent_from

    @pytest.mark.parametrize("kind", ["empty_200", "garbage_200", "truncated_json"])
    def test_ex43_a_spoilt_answer_is_not_counted_as_absence(self, stand: Stand, kind: str) -> None:
        stand.exchange.instruments()
        for endpoint in ORDER_QUESTIONS:
            stand.fault(kind, endpoint, count=99)
        with pytest.raises(ExchangeError):
            stand.exchange.find_order(ref(stand.request()))

    def test_ex44_when_no_endpoint_answers_the_search_raises(self, stand: Stand) -> None:
        stand.exchange.instruments()
        stand.fault("http_before", "*", status=503, count=99)
        with pytest.raises(ExchangeError):
            stand.exchange.find_order(ref(stand.request()))

    def test_ex45_an_order_that_is_invisible_at_first_is_found_later(self, stand: Stand) -> None:
        stand.fault("invisible", seconds=0.4)
        request = stand.resting()
        stand.place(request)
        assert stand.exchange.find_order(ref(request)).report is None
        deadline = time.monotonic() + 5
        while (found := stand.exchange.find_order(ref(request)).report) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert found.client_order_id == request.client_order_id

    def test_ex46_another_order_is_never_taken_for_ours(self, stand: Stand) -> None:
        stand.place(stand.resting())
        stand.place(stand.request())
        assert stand.exchange.find_order(ref(stand.request())).report is None

    def test_ex47_foreign_orders_are_among_the_open_orders(self, stand: Stand) -> None:
        foreign = stand.reopen()
        request = stand.resting()
        foreign.place_order(request)
        assert [order.client_order_id for order in stand.exchange.open_orders(stand.symbol)] == [
            request.client_order_id
        ]
        [listed] = stand.exchange.all_open_orders(stand.market_type).orders
        assert (listed.client_order_id, listed.symbol) == (request.client_order_id, stand.symbol)
