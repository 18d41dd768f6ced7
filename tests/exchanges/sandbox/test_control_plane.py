"""The control plane and the status page: reports, refusals, and who may use them."""

import http.client
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from portal.exchanges.sandbox.client import SandboxControl, SandboxControlError
from portal.exchanges.sandbox.server import SandboxServer


def send(
    server: SandboxServer, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, fields)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def test_account_when_generated_then_has_keys_and_ten_thousand_on_each_side(control: SandboxControl) -> None:
    account = control.create_account()
    assert len(account.api_key) == len(account.secret) == 64
    (report,) = control.accounts()
    assert report["balances"] == {"USDT": {"free": "10000", "locked": "0"}}
    assert report["futures_balance"] == "10000"


def test_account_when_given_then_keeps_its_keys_and_balances(control: SandboxControl) -> None:
    account = control.create_account("bob", "bobs-key", "bobs-secret", {"BTC": "1.5"}, futures_balance="250")
    assert (account.name, account.api_key, account.secret) == ("bob", "bobs-key", "bobs-secret")
    assert control.accounts("bob")[0]["balances"]["BTC"]["free"] == "1.5"
    assert control.accounts("bobs-key")[0]["futures_balance"] == "250"
    with pytest.raises(SandboxControlError, match="already exists"):
        control.create_account("bob")
    with pytest.raises(SandboxControlError, match="already exists"):
        control.create_account("other", "bobs-key")
    assert control.create_account("bob", exist_ok=True) == account
    assert control.accounts("bob")[0]["futures_balance"] == "250"


def test_accounts_when_created_in_bulk_then_are_all_different(control: SandboxControl) -> None:
    accounts = control.create_accounts(500, "bench", {"USDT": 5})
    assert len({account.api_key for account in accounts}) == 500
    assert accounts[-1].name == "bench-500"
    assert set(control.counts().values()) == {0}


def test_ledger_when_filtered_then_shows_payload_and_moment(spot: Any, control: SandboxControl) -> None:
    spot.create_order("BTC/USDT", "limit", "buy", 0.01, 50000, {"clientOrderId": "a"})
    spot.create_order("ETH/USDT", "market", "buy", 0.1, params={"clientOrderId": "b"})
    first, second = control.orders("alice")
    assert (first.client_order_id, first.symbol, first.market, first.side) == ("a", "BTCUSDT", "spot", "BUY")
    assert (first.quantity, first.price, first.status) == (Decimal("0.01"), Decimal("50000"), "NEW")
    assert (second.status, second.filled_quantity) == ("FILLED", Decimal("0.1"))
    assert first.accepted_monotonic_ns < second.accepted_monotonic_ns
    assert first.accepted_ns < second.accepted_ns
    assert control.orders(symbol="ETH/USDT") == control.orders(client_order_id="b") == [second]
    assert [fill["symbol"] for fill in control.fills("alice")] == ["ETHUSDT"]


def test_requests_when_counted_then_are_known_by_endpoint_and_account(
    spot: Any, control: SandboxControl
) -> None:
    control.reset_requests()
    spot.create_order("BTC/USDT", "market", "buy", 0.001)
    spot.fetch_ticker("BTC/USDT")
    spot.fetch_balance()
    requests = control.requests()
    assert requests["by_endpoint"] == {"order": 1, "ticker": 1, "account": 1}
    assert requests["by_path"]["POST /api/v3/order"] == 1
    assert control.requests("alice")["by_endpoint"]["order"] == 1
    assert [entry["status"] for entry in requests["recent"]] == [200, 200, 200]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("accounts", "[]"),
        ("accounts", "{"),
        ("accounts", '{"balances": {"USDT": "-5"}}'),
        ("accounts", '{"balances": {"USDT": "NaN"}}'),
        ("accounts", '{"balances": 5}'),
        ("accounts/bulk", '{"count": "many"}'),
        ("accounts/update", '{"account": "nobody"}'),
        ("identity", '{"identity_class": "z"}'),
        ("latency", '{"seconds": -1}'),
        ("latency", '{"endpoint": "orders"}'),
        ("walk", '{"interval": -1}'),
        ("path", '{"symbol": "BTCUSDT"}'),
        ("faults", '{"kind": "delay", "chance": 1}'),
        ("faults", '{"kind": "http_after", "status": 200}'),
        ("faults", '{"kind": "delay", "probability": 2}'),
        ("faults", '{"kind": "delay", "account": "nobody"}'),
        ("faults/remove", '{"fault_id": 99}'),
        ("reset", '{"what": "world"}'),
        ("book", '{"levels": "x"}'),
        ("faults", '{"kind": "delay", "nth": "x"}'),
        ("faults", '{"kind": "delay", "count": "x"}'),
        ("path", '{"symbol": "BTCUSDT", "steps": [1]}'),
        ("accounts", '{"name": 5}'),
        ("accounts/bulk", '{"accounts": 5}'),
        ("accounts/bulk", '{"accounts": [5]}'),
    ],
)
def test_control_request_when_malformed_then_is_refused_with_a_reason(
    sandbox: SandboxServer, control: SandboxControl, path: str, body: str
) -> None:
    status, text, _ = send(sandbox, "POST", f"/sandbox/{path}", body, Content_Type="application/json")
    assert (status, bool(json.loads(text)["msg"])) == (400, True)
    assert (control.accounts(), control.faults()) == ([], [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "application/json", "Origin": "http://evil.example"}, 403),
        ({"Content_Type": "application/json", "Origin": "null"}, 403),
        ({"Content_Type": "application/json", "Host": "evil.example"}, 403),
    ],
)
def test_control_request_when_it_could_come_from_another_site_then_nothing_happens(
    sandbox: SandboxServer, control: SandboxControl, headers: dict[str, str], status: int
) -> None:
    assert send(sandbox, "POST", "/sandbox/accounts", "{}", **headers)[0] == status
    assert control.accounts() == []


def test_page_when_opened_then_shows_what_happens_and_escapes_names(
    sandbox: SandboxServer, spot: Any, control: SandboxControl
) -> None:
    control.create_account("<script>alert(1)</script>")
    control.add_fault("delay", account="<script>alert(1)</script>", seconds=1)
    spot.create_order("BTC/USDT", "market", "buy", 0.001)
    status, text, headers = send(sandbox, "GET", "/")
    assert status == 200
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "BTCUSDT" in text
    assert "Switch off" in text
    assert "script-src 'nonce-" in headers["Content-Security-Policy"]
    assert not any(f'{attribute}="http' in text for attribute in ("src", "href"))
    assert all(account.secret not in text for account in [control.create_account("late")])


def test_page_when_asked_under_another_name_then_is_refused(sandbox: SandboxServer) -> None:
    assert send(sandbox, "GET", "/", Host="evil.example")[0] == 403


def test_path_when_unknown_then_answers_404(sandbox: SandboxServer) -> None:
    assert send(sandbox, "GET", "/api/v3/nothing")[0] == 404
    assert send(sandbox, "DELETE", "/sandbox/accounts")[0] == 404


def test_latency_when_set_then_never_slows_the_control_plane(control: SandboxControl) -> None:
    control.set_latency(5)
    control.add_fault("close_before_accept", endpoint="*")
    assert control.state()["latency"] == {"*": 5}
