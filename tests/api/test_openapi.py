"""The description says what the portal does: every route, every answer."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.api.alerts import SYNONYMS
from portal.api.auth import PUBLIC, scope_of
from portal.api.limits import PER_MINUTE
from portal.models import User
from portal.models.token import SCOPES
from portal.trading.signal import SIGNAL_FIELDS
from tests import world
from tests.api.conftest import Caller
from tests.api.openapi_check import problems, resolve

BUY = {"currency_pair": "BTC/USDT", "direction": "buy"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json or {}
    return described


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    methods = ("get", "post", "put", "patch", "delete")
    return {
        (path, method.upper()): item[method]
        for path, item in document["paths"].items()
        for method in methods
        if method in item
    }


def test_every_route_is_described_and_nothing_else(app: Flask, document: dict[str, Any]) -> None:
    ours = ("api.", "hooks.", "ops.")
    routes = {
        (
            re.sub(r"<(?:\w+:)?(\w+)>", lambda name: "{token}" if name[1] == "token" else "{id}", rule.rule),
            method,
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(ours)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(operations(document)) == routes
    assert document["openapi"] == "3.1.0"


def test_description_names_the_scope_that_each_route_really_needs(
    app: Flask, document: dict[str, Any]
) -> None:
    adapter = app.url_map.bind("localhost")
    for (path, method), operation in operations(document).items():
        endpoint, _ = adapter.match(path.replace("{id}", "1").replace("{token}", "x"), method)
        needed = scope_of(app, endpoint)
        described = [scope for each in operation["security"] for scope in each["token"]]
        if path != "/metrics":
            assert described == ([] if needed == PUBLIC else [needed]), path
        assert set(described) <= set(SCOPES)


def test_every_reference_leads_somewhere_and_operations_have_names_of_their_own(
    document: dict[str, Any],
) -> None:
    references = set(re.findall(r"'\$ref': '([^']+)'", str(document)))
    assert references
    for reference in references:
        assert resolve(document, reference)
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names))


def test_new_signal_is_described_with_the_fields_that_are_read(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["NewSignal"]["properties"]) == set(SIGNAL_FIELDS)


def check(document: dict[str, Any], path: str, method: str, answer: Any) -> None:
    described = operations(document)[path, method]["responses"][str(answer.status_code)]
    if "$ref" in described:
        described = resolve(document, described["$ref"])
    schema = described["content"]["application/json"]["schema"]
    assert answer.content_type == "application/json"
    assert problems(document, schema, answer.json) == []


def test_real_answers_are_shaped_as_described(
    document: dict[str, Any], as_admin: Caller, as_alice: Caller, admin: User, alice: User
) -> None:
    connection = world.make_connection(alice)
    signal = world.make_signal(admin, dedupe_key="k0")
    execution = world.make_execution(signal, connection)
    world.make_order(execution)
    world.make_execution(signal, world.make_connection(admin))
    position = world.make_position(connection, execution_id=execution.id)
    world.make_position(
        connection, status="closed", closed_reason="tp", tp_prices=[{"price": "1"}], sl_price=None
    )
    key = {"dedupe_key": "k1"}

    for caller in (as_admin, as_alice):
        check(document, "/api/v1/signals/{id}", "GET", caller.get(f"/api/v1/signals/{signal.id}"))
        check(
            document,
            "/api/v1/signals/{id}/executions",
            "GET",
            caller.get(f"/api/v1/signals/{signal.id}/executions?limit=1"),
        )
        check(document, "/api/v1/positions", "GET", caller.get("/api/v1/positions"))
        check(document, "/api/v1/connections", "GET", caller.get("/api/v1/connections"))
    for body, status in ((BUY | key, 201), (BUY | key, 200), (BUY | key | {"sl": "1"}, 409), ({}, 422)):
        answer = as_admin.post("/api/v1/signals", body)
        assert answer.status_code == status
        check(document, "/api/v1/signals", "POST", answer)
    check(document, "/api/v1/signals", "POST", as_alice.post("/api/v1/signals", BUY))
    check(document, "/api/v1/signals", "POST", as_admin.client.post("/api/v1/signals"))
    check(document, "/api/v1/signals", "POST", as_admin.raw("/api/v1/signals", "x", "text/plain"))
    check(document, "/api/v1/signals", "POST", as_admin.raw("/api/v1/signals", "x" * 20_000))
    check(
        document,
        "/api/v1/positions/{id}/close",
        "POST",
        as_alice.post(f"/api/v1/positions/{position.id}/close"),
    )
    check(document, "/api/v1/positions/{id}/close", "POST", as_alice.post("/api/v1/positions/2/close"))
    check(document, "/api/v1/positions/{id}/close", "POST", as_alice.post("/api/v1/positions/99/close"))
    check(
        document,
        "/api/v1/connections/{id}/test",
        "POST",
        as_alice.post(f"/api/v1/connections/{connection.id}/test"),
    )
    check(document, "/healthz", "GET", as_admin.client.get("/healthz"))
    check(document, "/readyz", "GET", as_admin.client.get("/readyz"))
    hook = as_admin.client.post(f"/hooks/tradingview/{as_admin.token}", data="symbol=BTCUSDT\nside=buy")
    check(document, "/hooks/tradingview/{token}", "POST", hook)
    check(
        document,
        "/hooks/tradingview/{token}",
        "POST",
        as_admin.client.post("/hooks/tradingview/x", data="a=b"),
    )


def test_reader_of_the_schema_finds_what_is_wrong(document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/Submitted"}
    assert problems(document, schema, {"id": 1, "is_published": True, "executions": 0}) == []
    for wrong in (
        {},
        [],
        {"id": "1", "is_published": True, "executions": 0},
        {"id": 1, "is_published": True, "executions": 0, "x": 1},
    ):
        assert problems(document, schema, wrong)


def test_page_about_the_api_names_every_address_scope_and_synonym(document: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    addresses = {path for path, _ in operations(document)} - {"/api/v1/openapi.json"}
    for expected in (*addresses, *SCOPES, *SYNONYMS, *SYNONYMS.values()):
        assert expected in page, expected
    for kind, limit in PER_MINUTE.items():
        assert f"{limit:,}" in page, kind
