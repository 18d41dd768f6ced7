"""Who may call, within which window, and what a repeated client order id does."""

from typing import Any

import ccxt
import pytest

from portal.exchanges.sandbox.client import SandboxAccount, SandboxControl

BTC = "BTC/USDT"
PERP = "BTC/USDT:USDT"


def buy(exchange: Any, client_order_id: str, price: float | None = None) -> Any:
    symbol = PERP if exchange.id == "binanceusdm" else BTC
    kind = "market" if price is None else "limit"
    return exchange.create_order(symbol, kind, "buy", 0.01, price, {"clientOrderId": client_order_id})


@pytest.mark.parametrize("kind", ["spot", "perp"])
def test_client_order_id_when_the_first_order_is_filled_then_is_accepted_again(
    request: pytest.FixtureRequest, control: SandboxControl, kind: str
) -> None:
    exchange = request.getfixturevalue(kind)
    first, second = buy(exchange, "same"), buy(exchange, "same")
    assert first["id"] != second["id"]
    assert len(control.orders("alice", client_order_id="same")) == 2
    latest = exchange.fetch_order(None, first["symbol"], {"clientOrderId": "same"})
    assert latest["id"] == second["id"]


@pytest.mark.parametrize(("kind", "message"), [("spot", "Duplicate order sent"), ("perp", "-4116")])
def test_client_order_id_when_the_first_order_is_open_then_is_refused(
    request: pytest.FixtureRequest, control: SandboxControl, kind: str, message: str
) -> None:
    exchange = request.getfixturevalue(kind)
    buy(exchange, "same", 55000)
    with pytest.raises(ccxt.BaseError, match=message):
        buy(exchange, "same", 55000)
    assert len(control.orders("alice")) == 1


def test_client_order_id_when_the_class_refuses_for_ever_then_a_filled_order_blocks_it(
    spot: Any, control: SandboxControl
) -> None:
    control.set_identity_class("b_all")
    buy(spot, "same")
    with pytest.raises(ccxt.BaseError, match="Duplicate order sent"):
        buy(spot, "same")
    assert len(control.orders("alice")) == 1


def test_client_order_id_when_the_class_replays_then_the_first_order_answers(
    spot: Any, control: SandboxControl
) -> None:
    control.set_identity_class("a_replay", account="alice")
    first, again = buy(spot, "same"), buy(spot, "same")
    assert first["id"] == again["id"]
    assert control.counts() == {"alice": 1}


def test_client_order_id_when_the_class_never_checks_then_open_orders_share_it(
    spot: Any, control: SandboxControl
) -> None:
    control.set_identity_class("c_none")
    buy(spot, "same", 55000)
    buy(spot, "same", 55000)
    assert control.counts() == {"alice": 2}


def test_client_order_id_when_it_has_other_characters_then_is_refused(
    spot: Any, control: SandboxControl
) -> None:
    for bad in ("a b", "x" * 37, "é"):
        with pytest.raises(ccxt.BaseError, match="-1100"):
            buy(spot, bad)
    assert control.orders() == []


def test_key_when_unknown_then_the_call_is_refused(client: Any, alice: SandboxAccount) -> None:
    stranger = SandboxAccount("stranger", "x" * 64, alice.secret)
    exchange = client(alice)
    exchange.apiKey = stranger.api_key
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        exchange.fetch_balance()


def test_key_when_revoked_then_the_call_is_refused(spot: Any, control: SandboxControl) -> None:
    control.update_account("alice", enabled=False)
    with pytest.raises(ccxt.BaseError, match="-2015"):
        buy(spot, "one")
    assert control.orders() == []


def test_key_when_it_may_not_trade_then_reads_work_and_orders_do_not(
    spot: Any, control: SandboxControl
) -> None:
    control.update_account("alice", can_trade=False, can_withdraw=True)
    facts = spot.sapiGetAccountApiRestrictions()
    assert (facts["enableSpotAndMarginTrading"], facts["enableWithdrawals"]) == (False, True)
    with pytest.raises(ccxt.BaseError, match="-2015"):
        buy(spot, "one")
    assert control.orders() == []


def test_signature_when_made_with_another_secret_then_is_refused(spot: Any, control: SandboxControl) -> None:
    spot.secret = "0" * 64
    with pytest.raises(ccxt.AuthenticationError, match="-1022|Signature for this request is not valid"):
        buy(spot, "one")
    with pytest.raises(ccxt.AuthenticationError):
        spot.fetch_balance()
    assert control.orders() == []


@pytest.mark.parametrize("offset_ms", [-20_000, 20_000])
def test_request_when_its_clock_is_off_then_is_refused(
    spot: Any, control: SandboxControl, offset_ms: int
) -> None:
    control.set_clock_offset(offset_ms)
    with pytest.raises(ccxt.InvalidNonce):
        buy(spot, "one")
    assert control.orders() == []


def test_request_when_its_window_has_passed_at_acceptance_then_is_refused(
    spot: Any, control: SandboxControl
) -> None:
    control.add_fault("delay", seconds=0.3, nth=1)
    with pytest.raises(ccxt.InvalidNonce):
        spot.create_order(BTC, "market", "buy", 0.01, params={"recvWindow": 100})
    assert control.orders() == []
    spot.create_order(BTC, "market", "buy", 0.01, params={"recvWindow": 1000})
    assert control.counts() == {"alice": 1}


def test_accounts_when_two_trade_then_see_only_their_own(
    client: Any, spot: Any, control: SandboxControl
) -> None:
    bob = client(control.create_account("bob"))
    order = buy(spot, "mine", 55000)
    assert bob.fetch_open_orders(BTC) == []
    with pytest.raises(ccxt.OrderNotFound):
        bob.fetch_order(order["id"], BTC)
    with pytest.raises(ccxt.OrderNotFound):
        bob.cancel_order(order["id"], BTC)
    assert spot.fetch_order(order["id"], BTC)["status"] == "open"
