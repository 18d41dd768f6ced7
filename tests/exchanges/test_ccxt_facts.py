"""What a connection test learns from the practice exchange over HTTP, in both dialects."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.exchanges.sandbox.client import SandboxAccount
from portal.exchanges.sandbox.server import SandboxServer
from portal.trading.types import MarginMode, PositionMode

DIALECTS = ("sandbox", "sandboxusdm")


@pytest.fixture
def account(venue: SandboxServer) -> SandboxAccount:
    return venue.control.create_account()


@pytest.fixture(params=DIALECTS)
def exchange(
    venue: SandboxServer, account: SandboxAccount, request: pytest.FixtureRequest
) -> Iterator[CcxtExchange]:
    opened = CcxtExchange(
        request.param, Credentials(account.credentials), base_url=venue.url, timeout_seconds=2.0
    )
    yield opened
    opened.close()


def asked(venue: SandboxServer, account: SandboxAccount) -> int:
    return int(venue.control.requests(account=account.name)["total"])


def test_a_usual_key_may_trade_and_not_withdraw(exchange: CcxtExchange) -> None:
    facts = exchange.account_facts()

    assert (facts.can_trade, facts.can_withdraw, facts.ip_restricted) == (True, False, True)
    assert {"enableReading", "enableSpotAndMarginTrading", "enableFutures"} == set(facts.permissions)
    assert (facts.key_unknown, facts.ask_key_again, facts.thorough) == ("", False, True)
    assert facts.clock_offset_ms is not None
    assert abs(facts.clock_offset_ms) < 500
    assert {balance.currency for balance in facts.balances} >= {"USDT"}


@pytest.mark.parametrize(("switch", "value"), [("can_trade", False), ("can_withdraw", True)])
def test_a_permission_that_changes_at_the_venue_is_seen_by_the_next_question(
    venue: SandboxServer, account: SandboxAccount, exchange: CcxtExchange, switch: str, value: bool
) -> None:
    assert getattr(exchange.account_facts(), switch) is not value
    venue.control.update_account(account.name, **{switch: value})

    assert getattr(exchange.account_facts(), switch) is value


def test_the_brief_question_costs_one_read_and_claims_nothing_of_the_key(
    venue: SandboxServer, account: SandboxAccount, exchange: CcxtExchange
) -> None:
    exchange.account_facts()
    before = asked(venue, account)

    facts = exchange.account_facts(thorough=False)

    assert asked(venue, account) == before + 1
    assert (facts.can_trade, facts.can_withdraw, facts.permissions) == (None, None, ())
    assert not facts.thorough
    assert facts.balances
    assert facts.clock_offset_ms is not None


def test_a_revoked_key_fails_both_questions(
    venue: SandboxServer, account: SandboxAccount, exchange: CcxtExchange
) -> None:
    venue.control.update_account(account.name, enabled=False)

    for thorough in (True, False):
        with pytest.raises(ExchangeError) as caught:
            exchange.account_facts(thorough=thorough)
        assert caught.value.permanent


def test_a_question_about_the_key_that_fails_in_passing_leaves_it_unknown_for_now(
    venue: SandboxServer, account: SandboxAccount, exchange: CcxtExchange
) -> None:
    exchange.instruments()
    venue.control.add_fault("http_before", "sapi", account=account.name, status=503, count=1)

    facts = exchange.account_facts()

    assert (facts.can_withdraw, facts.ask_key_again) == (None, True)
    assert facts.key_unknown
    assert exchange.account_facts().can_withdraw is False


def test_a_venue_that_asks_for_fewer_requests_is_heeded(
    venue: SandboxServer, account: SandboxAccount, exchange: CcxtExchange
) -> None:
    exchange.instruments()
    venue.control.add_fault("rate_limit", "sapi", account=account.name, retry_after=30, count=1)

    with pytest.raises(ExchangeError) as caught:
        exchange.account_facts()

    assert (caught.value.code, caught.value.retry_after) == (ErrorCode.RATE_LIMITED, 30)
    assert venue.control.requests(account=account.name)["by_endpoint"].get("settings", 0) == 0


def test_hedge_mode_margin_mode_and_leverage_of_a_futures_account_are_learnt(
    venue: SandboxServer, account: SandboxAccount
) -> None:
    exchange = CcxtExchange("sandboxusdm", Credentials(account.credentials), base_url=venue.url)
    plain = exchange.account_facts()
    client = exchange.session.client
    client.set_position_mode(True)
    client.set_margin_mode("isolated", "BTC/USDT:USDT")
    client.set_leverage(7, "BTC/USDT:USDT")

    facts = exchange.account_facts()

    assert (plain.position_mode, plain.margin_mode) == (PositionMode.ONE_WAY, MarginMode.CROSS)
    assert (facts.position_mode, facts.margin_mode) == (PositionMode.HEDGE, MarginMode.ISOLATED)
    assert (facts.leverage, facts.setup_symbol) == (Decimal(7), "BTC/USDT:USDT")
    exchange.close()


def test_a_spot_account_has_no_position_mode(venue: SandboxServer, account: SandboxAccount) -> None:
    exchange = CcxtExchange("sandbox", Credentials(account.credentials), base_url=venue.url)

    facts = exchange.account_facts()

    assert (facts.position_mode, facts.margin_mode, facts.leverage) == (None, None, None)
    exchange.close()
