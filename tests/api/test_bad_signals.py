"""What is refused: with 422, a reason at the field, and nothing stored."""

from datetime import timedelta
from typing import Any

import pytest

from portal.db import utcnow
from portal.models import AuditEntry, Execution, Signal
from tests import world
from tests.api.conftest import Caller

URL = "/api/v1/signals"

#: The text of the JSON member that is wrong, and the field that the reason must stand at.
BAD_MEMBERS = {
    "NaN": ('"open_price": NaN', "open_price"),
    "infinite": ('"sl": Infinity', "sl"),
    "minus infinity": ('"sl": -Infinity', "sl"),
    "NaN in a list": ('"tp": [1, NaN]', "tp"),
    "NaN as text": ('"open_price": "NaN"', "open_price"),
    "negative": ('"open_price": "-1"', "open_price"),
    "zero": ('"open_price": 0', "open_price"),
    "absurdly precise": ('"open_price": "1.0000000000000000001"', "open_price"),
    "huge": ('"open_price": "1000000000000000"', "open_price"),
    "huge exponent": ('"open_price": 1e999', "open_price"),
    "impossible exponent": ('"open_price": 1e99999999999999999999', "open_price"),
    "thousands of digits": (f'"open_price": {"9" * 5000}', "open_price"),
    "true as a price": ('"open_price": true', "open_price"),
    "object as a price": ('"open_price": {}', "open_price"),
    "empty price": ('"sl": ""', "sl"),
    "unknown direction": ('"direction": "up"', "direction"),
    "unknown order type": ('"order_type": "iceberg"', "order_type"),
    "limit without a price": ('"order_type": "limit"', "open_price"),
    "unknown action": ('"action": "flip"', "action"),
    "unknown time in force": ('"time_in_force": "GTX"', "time_in_force"),
    "unknown market type": ('"market_type": "future"', "market_type"),
    "symbol that is none": ('"currency_pair": "BTCUSDT"', "currency_pair"),
    "symbol of another type": ('"currency_pair": 7', "currency_pair"),
    "four targets": ('"tp": [1, 2, 3, 4]', "tp"),
    "time without an offset": ('"expires_at": "2030-01-01T00:00:00"', "expires_at"),
    "time that is none": ('"expires_at": "soon"', "expires_at"),
    "unknown plan": ('"plans": ["No such plan"]', "plans"),
    "plan with a huge number": ('"plans": [99999999999999999999999]', "plans"),
    "key of another type": ('"dedupe_key": 7', "dedupe_key"),
    "key that is too long": (f'"dedupe_key": "{"k" * 201}"', "dedupe_key"),
    "publish that is no flag": ('"publish": "yes"', "publish"),
    "publish of null in a list": ('"publish": [true]', "publish"),
    "unknown field": ('"quantity": "1"', "quantity"),
    "owner smuggled in": ('"author_id": 1', "author_id"),
    "published smuggled in": ('"is_published": true', "is_published"),
    "NUL in a text": ('"dedupe_key": "a\\u0000b"', "dedupe_key"),
    "half a surrogate pair": ('"dedupe_key": "\\ud800"', "dedupe_key"),
    "name given twice": ('"sl": "1", "sl": "2"', "sl"),
}

BAD_BODIES = {
    "empty": b"",
    "no JSON": b"buy BTC",
    "cut off": b'{"currency_pair": "BTC/USDT",',
    "a list": b'[{"currency_pair": "BTC/USDT", "direction": "buy"}]',
    "a text": b'"buy"',
    "null": b"null",
    "a number": b"1",
    "NaN": b"NaN",
    "not UTF-8": b'{"currency_pair": "\xff"}',
    "deeply nested": b"[" * 8000,
    "deeply nested objects": b'{"a":' * 3000,
    "NUL in a name": b'{"\\u0000": 1}',
}


def refused(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert set(answer.json["error"]) == {"code", "message", "fields"}
    assert all(reason for reason in answer.json["error"]["fields"].values())
    assert (world.count(Signal), world.count(Execution)) == (0, 0)
    assert world.count(AuditEntry) == 1  # the token
    fields: dict[str, str] = answer.json["error"]["fields"]
    return fields


@pytest.mark.parametrize("case", BAD_MEMBERS)
def test_bad_member_is_refused_with_a_reason_at_its_field(as_admin: Caller, case: str) -> None:
    member, field = BAD_MEMBERS[case]
    name = member.partition(":")[0]
    usual = {'"currency_pair"': '"currency_pair": "BTC/USDT"', '"direction"': '"direction": "buy"'}
    usual.pop(name, None)
    body = "{" + ", ".join([*usual.values(), member]) + "}"
    assert list(refused(as_admin.raw(URL, body))) == [field]


@pytest.mark.parametrize("case", BAD_BODIES)
def test_body_that_is_no_json_object_is_refused(as_admin: Caller, case: str) -> None:
    assert list(refused(as_admin.raw(URL, BAD_BODIES[case]))) == ["body"]


@pytest.mark.parametrize(
    ("direction", "wrong", "field"),
    [
        ("buy", {"open_price": "100", "sl": "101"}, "sl"),
        ("buy", {"open_price": "100", "sl": "100"}, "sl"),
        ("sell", {"open_price": "100", "sl": "99"}, "sl"),
        ("buy", {"open_price": "100", "tp": ["99"]}, "tp"),
        ("sell", {"open_price": "100", "tp": ["90", "101"]}, "tp"),
        ("buy", {"sl": "100", "tp": "90"}, "tp"),
    ],
)
def test_stop_or_target_on_the_wrong_side_is_refused(
    as_admin: Caller, direction: str, wrong: dict[str, Any], field: str
) -> None:
    body = {"currency_pair": "BTC/USDT", "direction": direction} | wrong
    assert list(refused(as_admin.post(URL, body))) == [field]


@pytest.mark.parametrize(
    "away", [timedelta(seconds=-1), timedelta(days=-400), timedelta(days=31), timedelta(days=9e5)]
)
def test_signal_that_expired_or_expires_too_late_is_refused(as_admin: Caller, away: timedelta) -> None:
    body = {"currency_pair": "BTC/USDT", "direction": "buy", "expires_at": (utcnow() + away).isoformat()}
    assert list(refused(as_admin.post(URL, body))) == ["expires_at"]


def test_signal_with_several_mistakes_is_told_all_of_them(as_admin: Caller) -> None:
    fields = refused(as_admin.post(URL, {"direction": "up", "sl": "-1", "colour": "red"}))
    assert set(fields) == {"currency_pair", "direction", "sl", "colour"}


def test_number_keeps_every_digit_it_was_sent_with(as_admin: Caller) -> None:
    body = (
        '{"currency_pair": "BTC/USDT", "direction": "buy", "open_price": 123456789012345.123456789012345678}'
    )
    assert as_admin.raw(URL, body).status_code == 201
    shown = as_admin.get(f"{URL}/1").json
    assert shown is not None
    assert shown["open_price"] == "123456789012345.123456789012345678"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"])
def test_signal_in_another_content_type_is_refused(as_admin: Caller, content_type: str) -> None:
    answer = as_admin.raw(URL, '{"currency_pair": "BTC/USDT", "direction": "buy"}', content_type)
    assert answer.status_code == 415
    assert answer.json is not None
    assert answer.json["error"]["code"] == "unsupported_media_type"
    assert world.count(Signal) == 0


class CountingStream:
    """A megabyte of body that counts what is taken from it."""

    def __init__(self, size: int) -> None:
        self.left, self.taken = size, 0

    def read(self, size: int = -1) -> bytes:
        give = self.left if size < 0 else min(size, self.left)
        self.left -= give
        self.taken += give
        return b"a" * give

    def readinto(self, buffer: bytearray) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("path", [URL, "/hooks/tradingview/{token}"])
@pytest.mark.parametrize("announced", [True, False])
def test_megabyte_of_body_is_refused_without_reading_it_all(
    as_admin: Caller, path: str, announced: bool
) -> None:
    stream = CountingStream(1024 * 1024)
    length = {"CONTENT_LENGTH": str(1024 * 1024)}
    chunked = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = as_admin.post(
        path.format(token=as_admin.token),
        content_type="application/json",
        environ_overrides={"wsgi.input": stream, **(length if announced else chunked)},
    )
    assert answer.status_code == 413
    assert answer.json is not None
    assert "16 KB" in answer.json["error"]["message"]
    assert stream.taken <= (0 if announced else 64 * 1024)
    assert world.count(Signal) == 0
