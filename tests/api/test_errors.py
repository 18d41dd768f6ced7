"""Every error in one shape, and none that tells too much."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.errors import PortalError
from portal.services import signals
from tests.api.conftest import Caller

BUY = {"currency_pair": "BTC/USDT", "direction": "buy"}


def error(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/json"
    assert set(answer.json) == {"error"}
    assert {"code", "message"} <= set(answer.json["error"]) <= {"code", "message", "fields", "id"}
    found: dict[str, Any] = answer.json["error"]
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v2/signals",
        "/api/v1/nothing",
        "/hooks/",
        "/hooks/other/x",
        "/api/v1/signals/x",
        "/api/v1/signals/0",
        "/api/v1/signals/-1",
        "/api/v1/signals/01",
        "/api/v1/signals/9999999999999999999",
        "/api/v1/signals/" + "9" * 3000,
        "/api/v1/signals/1/",
        "/api/v1/positions/1.5/close",
        "/hooks/tradingview/a/b",
    ],
)
def test_unknown_address_below_the_api_is_json_404(as_admin: Caller, path: str) -> None:
    for answer in (as_admin.get(path), as_admin.post(path, json={})):
        assert answer.status_code == 404
        assert error(answer)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/signals"),
        ("DELETE", "/api/v1/signals/1"),
        ("PUT", "/api/v1/positions"),
        ("GET", "/api/v1/positions/1/close"),
        ("POST", "/api/v1/connections"),
        ("PATCH", "/api/v1/connections/1/test"),
        ("GET", "/hooks/tradingview/x"),
    ],
)
def test_wrong_method_is_json_405_that_names_the_right_ones(as_admin: Caller, method: str, path: str) -> None:
    answer = as_admin.client.open(path, method=method, headers=as_admin.headers)
    assert answer.status_code == 405
    assert error(answer)["code"] == "method_not_allowed"
    assert "OPTIONS" in answer.headers["Allow"]


@pytest.fixture
def broken_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A defect deep below, of the kind nobody foresaw."""

    def fail(*_args: object, **_more: object) -> None:
        raise KeyError("canary-of-the-defect")

    monkeypatch.setattr(signals, "submit", fail)
    return


@pytest.mark.parametrize("hook", [False, True])
def test_defect_is_answered_with_an_id_that_the_log_has_and_no_trace(
    as_admin: Caller, broken_service: None, caplog: pytest.LogCaptureFixture, hook: bool
) -> None:
    if hook:
        answer = as_admin.client.post(f"/hooks/tradingview/{as_admin.token}", data="symbol=BTCUSDT\nside=buy")
    else:
        answer = as_admin.post("/api/v1/signals", BUY)
    assert answer.status_code == 500
    found = error(answer)
    assert found["code"] == "internal_error"
    assert found["id"] in found["message"]
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text
    records = [record for record in caplog.records if found["id"] in record.getMessage()]
    assert [(record.levelno, record.exc_info is not None) for record in records] == [(logging.ERROR, True)]
    assert as_admin.token not in caplog.text


def test_error_of_ours_that_has_no_kind_is_told_in_its_own_words(
    as_admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise PortalError("Something of ours was not possible. Nothing was done.")

    monkeypatch.setattr(signals, "submit", refuse)
    answer = as_admin.post("/api/v1/signals", BUY)
    assert (answer.status_code, error(answer)["message"]) == (
        400,
        "Something of ours was not possible. Nothing was done.",
    )


def test_answers_are_never_cached_and_never_sniffed(
    app: Flask, client: FlaskClient, as_admin: Caller
) -> None:
    for answer in (as_admin.get("/api/v1/positions"), client.get("/api/v1/x"), client.get("/healthz")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_options_names_the_methods_and_does_nothing(client: FlaskClient) -> None:
    answer = client.options("/api/v1/signals")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (200, {"POST", "OPTIONS"})
    assert "Access-Control-Allow-Origin" not in answer.headers
