"""EX-20 to EX-39: what goes wrong between here and the venue. Unknown unless proved."""

import pytest

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.orders import OrderRequest
from tests.exchanges.stand import Stand, ref

#: Statuses that say nothing about the order, with and without an error body of the venue's own.
STATUSES = (500, 502, 503, 504, 520, 524, 599)


def fail(stand: Stand, request: OrderRequest) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        stand.place(request)
    return caught.value


class FaultCases:
    @pytest.mark.parametrize("kind", ["empty_200", "garbage_200", "truncated_json", "json_without_id"])
    def test_ex20_an_answer_without_an_order_is_unknown_and_the_order_is_found(
        self, stand: Stand, kind: str
    ) -> None:
        stand.fault(kind)
        request = stand.request()
        assert fail(stand, request).outcome is Outcome.UNKNOWN
        found = stand.exchange.find_order(ref(request)).report
        assert found is not None
        assert found.client_order_id == request.client_order_id
        assert len(stand.ledger()) == 1

    @pytest.mark.parametrize("status", STATUSES)
    @pytest.mark.parametrize("body", ["binance", "html", "empty", "text"])
    def test_ex21_a_server_error_after_acceptance_is_unknown_and_the_order_is_found(
        self, stand: Stand, status: int, body: str
    ) -> None:
        stand.fault("http_after", status=status, body=body)
        request = stand.request()
        assert fail(stand, request).outcome is Outcome.UNKNOWN
        assert stand.exchange.find_order(ref(request)).report is not None
        assert len(stand.ledger()) == 1

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
    def test_ex22_a_client_error_without_the_venues_code_is_unknown(self, stand: Stand, status: int) -> None:
        stand.fault("http_after", status=status, body="html")
        assert fail(stand, stand.request()).outcome is Outcome.UNKNOWN
        assert len(stand.ledger()) == 1

    @pytest.mark.parametrize("status", [500, 503, 524, 599])
    def test_ex23_a_server_error_before_acceptance_is_unknown_and_the_order_is_nowhere(
        self, stand: Stand, status: int
    ) -> None:
        stand.fault("http_before", status=status)
        request = stand.request()
        assert fail(stand, request).outcome is Outcome.UNKNOWN
        lookup = stand.exchange.find_order(ref(request))
        assert lookup.report is None
        assert len(lookup.absent_from) >= 2
        assert not stand.ledger()

    def test_ex24_an_answer_that_never_comes_is_unknown_and_the_order_is_found(self, stand: Stand) -> None:
        stand.fault("accept_no_answer", seconds=3)
        request = stand.request()
        error = fail(stand, request)
        assert (error.outcome, error.code) == (Outcome.UNKNOWN, ErrorCode.TIMEOUT)
        assert stand.exchange.find_order(ref(request)).report is not None
        assert len(stand.ledger()) == 1

    def test_ex25_an_answer_that_trickles_is_given_up_in_time_and_unknown(self, stand: Stand) -> None:
        stand.fault("slow_body", seconds=5)
        error = fail(stand, stand.request())
        assert (error.outcome, error.code) == (Outcome.UNKNOWN, ErrorCode.TIMEOUT)
        assert len(stand.ledger()) == 1

    def test_ex26_a_connection_closed_before_acceptance_is_unknown_and_the_order_is_nowhere(
        self, stand: Stand
    ) -> None:
        stand.fault("close_before_accept")
        request = stand.request()
        assert fail(stand, request).outcome is Outcome.UNKNOWN
        assert stand.exchange.find_order(ref(request)).report is None
        assert not stand.ledger()

    @pytest.mark.parametrize("status", [429, 418])
    def test_ex27_too_many_requests_is_not_placed_and_says_when_to_come_again(
        self, stand: Stand, status: int
    ) -> None:
        stand.fault("rate_limit", status=status, retry_after=7)
        error = fail(stand, stand.request())
        assert (error.code, error.outcome) == (ErrorCode.RATE_LIMITED, Outcome.NOT_PLACED)
        assert (error.again, error.retry_after, error.permanent) == (True, 7, False)
        assert not stand.ledger()

    def test_ex28_a_clock_error_is_not_placed_and_the_next_order_passes(self, stand: Stand) -> None:
        stand.fault("clock_error")
        error = fail(stand, stand.request())
        assert (error.code, error.outcome, error.again) == (
            ErrorCode.CLOCK_OUTSIDE_WINDOW,
            Outcome.NOT_PLACED,
            True,
        )
        assert not stand.ledger()
        stand.place(stand.request())
        assert len(stand.ledger()) == 1

    @pytest.mark.parametrize("offset_ms", [-7_000, 7_000])
    def test_ex29_a_venue_whose_clock_changes_is_followed_after_one_refusal(
        self, stand: Stand, offset_ms: int
    ) -> None:
        stand.exchange.balances(stand.market_type)
        stand.control.set_clock_offset(offset_ms)
        error = fail(stand, stand.request())
        assert (error.code, error.outcome) == (ErrorCode.CLOCK_OUTSIDE_WINDOW, Outcome.NOT_PLACED)
        stand.place(stand.request())
        assert len(stand.ledger()) == 1
        measured = stand.exchange.account_facts().clock_offset_ms
        assert measured is not None
        assert abs(measured + offset_ms) < 500
        stand.control.set_clock_offset(0)
        assert fail(stand, stand.request()).code is ErrorCode.CLOCK_OUTSIDE_WINDOW
        stand.place(stand.request())
        assert len(stand.ledger()) == 2

    def test_ex30_maintenance_is_unknown_for_an_order_and_not_permanent(self, stand: Stand) -> None:
        stand.fault("maintenance")
        error = fail(stand, stand.request())
        assert (error.outcome, error.permanent) == (Outcome.UNKNOWN, False)
        assert not stand.ledger()

    def test_ex31_an_order_is_sent_once_whatever_fails(self, stand: Stand) -> None:
        stand.fault("http_before", status=503, count=5)
        fail(stand, stand.request())
        assert stand.requests("order") == 1

    def test_ex32_a_venue_out_of_reach_is_not_placed_because_nothing_left_this_machine(
        self, stand: Stand
    ) -> None:
        stand.exchange.instruments()
        unreachable = stand.reopen(base_url="http://127.0.0.1:9")
        error = fail_on(unreachable, stand.request())
        assert (error.outcome, error.again) == (Outcome.NOT_PLACED, True)
        assert not stand.ledger()

    def test_ex33_a_wrong_secret_is_permanent_and_no_secret_is_in_the_message(self, stand: Stand) -> None:
        wrong = "w" * 64
        error = fail_on(stand.reopen(secret=wrong), stand.request())
        assert (error.code, error.outcome, error.permanent) == (
            ErrorCode.AUTHENTICATION_FAILED,
            Outcome.NOT_PLACED,
            True,
        )
        shown = f"{error} {error.message} {error.venue_code} {error!r}"
        assert wrong not in shown
        assert stand.account.api_key not in shown
        assert "signature" not in shown.lower() or "signature=" not in shown
        assert not stand.ledger()

    def test_ex34_an_order_canceled_by_the_venue_keeps_what_filled(self, stand: Stand) -> None:
        stand.fault("cancelled_by_exchange", fraction="0.3")
        request = stand.request()
        report = stand.place(request)
        found = stand.exchange.find_order(ref(request)).report
        assert found is not None
        assert report.state == found.state
        assert found.filled_quantity == stand.quantity * 3 / 10


def fail_on(exchange: object, request: OrderRequest) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        exchange.place_order(request)  # type: ignore[attr-defined]
    return caught.value
