"""The log keeps secrets out, keeps ids in, and cannot be forged."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portal import logs
from portal.config import Settings
from portal.logs import log_context, register_secret, scrub

SETTINGS = Settings(
    data_dir=Path("unused"), secret_key="the-signing-key-of-this-portal-123", log_level="DEBUG"
)


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What arrives on stderr, in both shapes."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure(replace(SETTINGS, log_format=request.param))
    yield stream
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v3/order?symbol=BTCUSDT&signature=HIDDEN&timestamp=1",
        "https://host/path?apiKey=HIDDEN",
        '{"apiKey": "HIDDEN", "symbol": "X"}',
        '{"secret": "begin \\"quoted\\" HIDDEN"}',
        "{'X-MBX-APIKEY': 'HIDDEN'}",
        '"body": "{\\"password\\": \\"HIDDEN\\"}"',
        "KC-API-SIGN: HIDDEN",
        "OK-ACCESS-PASSPHRASE=HIDDEN",
        "Authorization: Bearer HIDDEN",
        "{'Authorization': 'Basic HIDDEN'}",
        "postgresql://portal:HIDDEN@db/portal",
        "redis://:HIDDEN@cache:6379/0",
        "POST /hooks/tradingview/HIDDEN 200",
        "-----BEGIN PRIVATE KEY-----\nHIDDEN\n-----END PRIVATE KEY-----",
        "private_key=HIDDEN",
    ],
)
def test_scrub_takes_the_secret_and_leaves_the_rest(text: str) -> None:
    assert "HIDDEN" not in scrub(text)
    assert "***" in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}',
        "insufficient balance: 12.5 USDT free, 20 needed",
        "https://127.0.0.1:9000/api/v3/order?symbol=BTCUSDT",
        "client_order_id=abc123 was filled",
        "token bucket is empty",
    ],
)
def test_scrub_leaves_ordinary_messages_alone(text: str) -> None:
    assert scrub(text) == text


def test_registered_secret_disappears_from_message_arguments_and_exception(lines: io.StringIO) -> None:
    register_secret("api-secret-of-alice")
    log = logging.getLogger("portal.test")
    try:
        raise ValueError("refused api-secret-of-alice&signature=abc")
    except ValueError:
        log.exception("with %s and %s", "api-secret-of-alice", SETTINGS.secret_key)
    text = lines.getvalue()
    assert "ValueError" in text
    assert "api-secret-of-alice" not in text
    assert SETTINGS.secret_key not in text
    assert "signature=abc" not in text


def test_line_break_in_a_message_does_not_make_a_second_line(lines: io.StringIO) -> None:
    logging.getLogger("portal.test").warning(
        "name was %s", "x\n2026-01-01T00:00:00Z INFO forged\r\x1b[31m\u2028end"
    )
    text = lines.getvalue()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert "forged" in text


def test_context_ids_are_on_every_line_inside_and_on_none_outside(lines: io.StringIO) -> None:
    log = logging.getLogger("portal.test")
    with log_context(execution_id=42, connection_id=7):
        log.info("inside")
        with log_context(order_id=9):
            log.info("deeper")
    log.info("outside")
    inside, deeper, outside = lines.getvalue().splitlines()
    if inside.startswith("{"):
        assert json.loads(inside)["execution_id"] == "42"
        assert json.loads(deeper)["order_id"] == "9"
        assert "order_id" not in json.loads(inside)
        assert "execution_id" not in json.loads(outside)
    else:
        assert "execution-42 connection-7" in inside
        assert "execution-42 connection-7 order-9" in deeper
        assert "execution-42" not in outside


def test_unknown_context_is_refused() -> None:
    with pytest.raises(ValueError, match="user"), log_context(user=1):
        pass


def test_chatty_libraries_stay_quiet_at_debug(lines: io.StringIO) -> None:
    logging.getLogger("ccxt.base.exchange").debug("headers")
    logging.getLogger("urllib3.connectionpool").info("url")
    logging.getLogger("ccxt.base.exchange").warning("kept")
    assert len(lines.getvalue().splitlines()) == 1


def test_configure_twice_does_not_double_the_lines(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", lines)
    logs.configure(SETTINGS)
    logging.getLogger("portal.test").info("once")
    assert lines.getvalue().count("once") == 1
