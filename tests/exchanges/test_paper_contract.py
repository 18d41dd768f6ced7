"""A paper account keeps the contract of adapters for what it claims, on its real tables, with the prices of
the sandbox exchange.

The cases of a wire that fails (EX-20 to EX-39) have no wire to fail here; `LedgerFaults` says the same of
the ledger. The cases that are told otherwise below say why."""

from decimal import Decimal

import pytest
from flask import Flask

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.sandbox.server import SandboxServer
from portal.trading.types import MarketType
from tests.exchanges.contract_account import AccountCases
from tests.exchanges.contract_orders import OrderCases
from tests.exchanges.contract_queries import QueryCases
from tests.exchanges.paper_stand import PaperStand, make_paper_stand
from tests.exchanges.stand import Stand, ref


class LedgerFaults:
    def test_ex20_when_the_commit_goes_unanswered_the_outcome_is_unknown_and_the_order_is_found(
        self, stand: Stand
    ) -> None:
        stand.fault("accept_no_answer")
        request = stand.request()
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        assert caught.value.outcome is Outcome.UNKNOWN
        found = stand.exchange.find_order(ref(request)).report
        assert found is not None
        assert found.client_order_id == request.client_order_id
        assert len(stand.ledger()) == 1

    def test_ex23_when_the_ledger_fails_before_the_order_it_is_unknown_and_nowhere(
        self, stand: Stand
    ) -> None:
        stand.fault("http_before")
        request = stand.request()
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        assert caught.value.outcome is Outcome.UNKNOWN
        lookup = stand.exchange.find_order(ref(request))
        assert lookup.report is None
        assert len(lookup.absent_from) >= 2
        assert not stand.ledger()

    def test_ex32_when_the_market_data_is_out_of_reach_nothing_is_placed(
        self, stand: Stand, venue: SandboxServer
    ) -> None:
        stand.exchange.instruments()
        venue.control.add_fault("http_before", "*", status=503, count=1)
        with pytest.raises(ExchangeError) as caught:
            stand.place(stand.request())
        assert (caught.value.outcome, caught.value.again) == (Outcome.NOT_PLACED, True)
        assert not stand.ledger()


class PaperCases(OrderCases, QueryCases, AccountCases, LedgerFaults):
    def test_ex19_leverage_is_set_before_the_order_and_once(self, stand: Stand) -> None:
        """Leverage and order are one step here, so what counts is the margin."""
        if stand.market_type is MarketType.SPOT:
            super().test_ex19_leverage_is_set_before_the_order_and_once(stand)
            return
        before = stand.exchange.balances(stand.market_type)["USDT"]
        report = stand.place(stand.request(leverage=Decimal(4)))
        after = stand.exchange.balances(stand.market_type)["USDT"]
        assert report.average_price is not None
        assert after.total - after.free == stand.quantity * report.average_price / 4
        assert before.total > after.total

    def test_ex62_when_leverage_cannot_be_set_the_order_is_not_sent(self, stand: Stand) -> None:
        """No request that could fail comes before the order; a leverage that no venue has is refused."""
        with pytest.raises(ExchangeError) as caught:
            stand.place(stand.request(leverage=Decimal(1000)))
        assert caught.value.outcome is Outcome.NOT_PLACED
        assert not stand.ledger()

    def test_ex42_an_endpoint_that_fails_is_not_counted_as_absence(self, stand: Stand) -> None:
        """There is one place to ask; when it fails nobody has answered."""
        stand.fault("http_before", "query", count=1)
        with pytest.raises(ExchangeError):
            stand.exchange.find_order(ref(stand.request()))

    def test_ex45_an_order_that_is_invisible_at_first_is_found_later(self, stand: Stand) -> None:
        """A ledger is never late: whoever asks waits for whoever writes."""
        request = stand.resting()
        stand.place(request)
        assert stand.reopen().find_order(ref(request)).report is not None

    def test_ex56_account_facts_tell_what_the_key_may_do(self, stand: Stand) -> None:
        """There is no key."""
        facts = stand.exchange.account_facts()
        assert (facts.can_trade, facts.can_withdraw, facts.clock_offset_ms) == (True, False, 0)
        assert {balance.currency for balance in facts.balances} >= {"USDT"}

    def test_ex34_an_id_is_refused_after_its_order_has_ended(self, stand: Stand) -> None:
        request = stand.request()
        stand.place(request)
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        assert caught.value.code is ErrorCode.DUPLICATE_CLIENT_ORDER_ID
        assert len(stand.ledger(request)) == 1


class TestPaperSpot(PaperCases):
    @pytest.fixture
    def stand(self, app: Flask, venue: SandboxServer) -> PaperStand:
        return make_paper_stand(venue, "sandbox", "BTC/USDT", MarketType.SPOT)


class TestPaperSwap(PaperCases):
    @pytest.fixture
    def stand(self, app: Flask, venue: SandboxServer) -> PaperStand:
        return make_paper_stand(venue, "sandboxusdm", "BTC/USDT:USDT", MarketType.SWAP)
