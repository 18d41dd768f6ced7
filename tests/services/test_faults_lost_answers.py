"""The request goes out, and what comes back is late, broken or about something else. Accepted orders are
counted at the exchange: one at most, whatever the answer looked like."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from portal import crypto
from portal.services import books, placing
from portal.trading.orders import client_order_id
from portal.trading.types import ExecutionStatus, OrderState
from tests.exchanges.sandbox.conftest import on_sandbox
from tests.helpers import eventually, silence
from tests.services.desk import Desk

SIZE = Decimal("0.01")
STATUSES = (500, 502, 503, 504, 520, 524, 599)
BODIES = ("binance", "html", "empty", "text")
#: Practice exchange and what its market is called in a preset.
MARKETS = [("sandbox", "spot"), ("sandboxusdm", "swap")]


def fixed(desk: Desk, market: str = "spot", **values: Any) -> Any:
    return desk.preset(sizing_mode="fixed", sizing_value=SIZE, market_type=market, **values)


def settle(desk: Desk, rounds: int = 4) -> None:
    """Half a minute of questions, without the waiting."""
    for _ in range(rounds):
        desk.later(8)
        desk.resolve_due()


def second_client(desk: Desk, exchange: str, keys: dict[str, str]) -> Any:
    """The same account, spoken for by somebody who does not ask us: a worker that was thought dead."""
    client = (ccxt.binance if exchange == "sandbox" else ccxt.binanceusdm)(keys)
    client.urls["api"] = on_sandbox(client.urls["api"], desk.sandbox.url)
    return client


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_f31_f32_error_page_after_acceptance_is_never_a_refusal(desk: Desk, status: int, body: str) -> None:
    desk.account()
    desk.sandbox.add_fault("http_after", status=status, body=body, count=1)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.UNRESOLVED

    desk.later(2)
    desk.resolve_due()

    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


@pytest.mark.parametrize(("exchange", "market"), MARKETS)
@pytest.mark.parametrize("kind", ["empty_200", "garbage_200", "truncated_json", "json_without_id"])
def test_f32_broken_success_is_unknown_until_the_exchange_is_asked(
    desk: Desk, kind: str, exchange: str, market: str
) -> None:
    desk.account(exchange=exchange, preset=fixed(desk, market))
    desk.sandbox.add_fault(kind, count=1)
    assert desk.trade().status is ExecutionStatus.UNRESOLVED
    settle(desk)
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert books.verify() == []


def test_f33_request_that_is_eight_seconds_late_is_refused_by_its_window(desk: Desk) -> None:
    """The client gives up after two seconds, the request goes on and arrives when its five are over."""
    desk.account(preset=fixed(desk, max_signal_age_seconds=600))
    desk.sandbox.add_fault("delay", seconds=8, count=1)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.UNRESOLVED
    assert desk.order().error_code == "TIMEOUT"

    (arrived,) = eventually(lambda: order_requests(desk), timeout=15)
    assert arrived["status"] == 400, "the exchange itself refuses what comes after the window"
    assert desk.accepted() == 0

    settle(desk)
    (execution,) = desk.executions()
    assert desk.order().state is OrderState.NOT_PLACED
    assert desk.run(execution).status is ExecutionStatus.FILLED
    settle(desk)
    assert desk.accepted() == 1
    assert len(desk.orders()) == 2


def test_f33_request_that_arrives_late_within_its_window_is_found_and_no_ghost(desk: Desk) -> None:
    """Nobody waited for the answer; the order exists all the same, and the first "not found" proves
    nothing."""
    desk.account(preset=fixed(desk))
    desk.sandbox.add_fault("delay", seconds=3, count=1)
    assert desk.trade().status is ExecutionStatus.UNRESOLVED
    assert desk.accepted() == 0
    desk.resolve_due()
    eventually(lambda: desk.accepted() == 1)
    settle(desk)
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert desk.position().quantity > 0


@pytest.mark.parametrize(("exchange", "market"), MARKETS)
@pytest.mark.parametrize("order_type", ["market", "limit"])
def test_f36_duplicate_id_means_that_the_order_exists_and_it_is_adopted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, exchange: str, market: str, order_type: str
) -> None:
    """Somebody who was thought dead sends the very same order a moment before us."""
    keys = desk.account(exchange=exchange, preset=fixed(desk, market)).get_credentials()
    desk.sandbox.set_identity_class("b_all")
    desk.price("BTC/USDT", 50_000)
    price = "45000" if order_type == "limit" else None
    terms = {"order_type": order_type} | ({"open_price": price} if price else {})
    (execution,) = desk.publish(**terms)
    ours = client_order_id(crypto.keyring().install_key, f"execution-{execution.id}:entry:0")
    symbol = "BTC/USDT" if market == "spot" else "BTC/USDT:USDT"
    zombie, send = second_client(desk, exchange, keys), placing.place

    def late(*given: Any) -> None:
        zombie.create_order(symbol, order_type, "buy", float(SIZE), price, {"newClientOrderId": ours})
        send(*given)

    with monkeypatch.context() as patch:
        patch.setattr(placing, "place", late)
        execution = desk.run(execution)
    assert execution.status is ExecutionStatus.UNRESOLVED
    assert desk.order().error_code == "DUPLICATE_CLIENT_ORDER_ID"
    settle(desk)

    (execution,) = desk.executions()
    expected = ExecutionStatus.FILLED if order_type == "market" else ExecutionStatus.OPEN
    assert execution.status is expected, "its state comes from the question"
    assert desk.accepted() == 1
    assert desk.order().exchange_order_id == str(desk.sandbox.orders()[0].order_id)
    assert books.verify() == []


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        *((identity, "accept_no_answer") for identity in ("b_open", "b_all", "a_replay", "c_none")),
        ("b_open", "close_before_accept"),
    ],
)
def test_f37_filled_order_whose_answer_is_lost_is_never_sent_again_without_proof(
    desk: Desk, identity: str, kind: str
) -> None:
    """Where an id may be used again once its order has filled, the exchange would take the second one."""
    desk.account(preset=fixed(desk, max_signal_age_seconds=600))
    desk.sandbox.set_identity_class(identity)
    desk.sandbox.add_fault(kind, count=1)
    faults = silence(desk.sandbox)
    execution = desk.trade()
    for _ in range(4):
        settle(desk, rounds=2)
        execution = desk.run(execution)
        assert execution.status is ExecutionStatus.UNRESOLVED, "silence is no proof"
    assert len(desk.orders()) == 1

    for fault in faults:
        desk.sandbox.remove_fault(fault)
    settle(desk)
    execution = desk.run(desk.executions()[0])
    settle(desk)
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert len({order.client_order_id for order in desk.orders()}) == len(desk.orders())


def order_requests(desk: Desk) -> list[dict[str, Any]]:
    """Orders that reached the exchange and what it answered."""
    recent: list[dict[str, Any]] = desk.sandbox.requests()["recent"]
    return [row for row in recent if row["method"] == "POST" and row["path"].endswith("/order")]
