"""Importing connections in the panel: a check stores nothing, an import everything or nothing, and no key
comes back."""

import io
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.admin import connection_import_form
from portal.db import db
from portal.models import AuditEntry, ExecutionConnection, User
from tests import world
from tests.visiting import Visitor

PATH = "/admin/connections/import"
HEADER = "name,exchange_name,type,mode,apiKey,secret,password,settings,preset,is_admin_owned"
KEY = "canary1key2abcdef34567"


def row(name: str, *, exchange: str = "bybit", mode: str = "live", key: str = KEY) -> str:
    return f"{name},{exchange},crypto,{mode},{key},secret-{key},,,,"


def csv_of(*rows: str) -> str:
    return "\r\n".join((HEADER, *rows)) + "\r\n"


def send(visitor: Visitor, text: str, *, do: str = "check", name: str = "a.csv", **more: Any) -> TestResponse:
    data = {"do": do, "owner_id": "", "file": (io.BytesIO(text.encode()), name), **more}
    return visitor.post(PATH, data, content_type="multipart/form-data")


def queued_checks(app: Flask) -> int:
    redis = app.extensions["portal_redis"]
    return sum(b"check-connection-" in key for key in redis.scan_iter("rq:job:*"))


def test_file_when_only_checked_then_says_how_many_are_fine_and_stores_nothing(
    visitor: Visitor, trader: User
) -> None:
    answer = send(visitor, csv_of(row("One"), row("Two")), owner_id=str(trader.id))
    assert answer.status_code == 200
    assert "All 2 connections can be imported. Nothing was imported yet." in answer.text
    assert "canary" not in answer.text
    assert world.count(ExecutionConnection) == world.count(AuditEntry) == 0


def test_file_when_imported_then_is_encrypted_audited_and_a_second_press_changes_nothing(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    text, owner = csv_of(row("One"), row("Two")), str(trader.id)
    answer = send(visitor, text, do="import", owner_id=owner)
    assert answer.location == "/admin/connections/"
    assert "2 connections were imported" in visitor.get("/admin/connections/").text
    made = db.session.scalars(sa.select(ExecutionConnection).order_by(ExecutionConnection.id)).all()
    assert [(each.name, each.user_id) for each in made] == [("One", trader.id), ("Two", trader.id)]
    assert made[0].get_credential("apiKey") == KEY
    assert KEY not in str(made[0].credentials)
    entries = db.session.scalars(sa.select(AuditEntry)).all()
    assert [each.action for each in entries] == ["portal.connection.imported"] * 2
    assert {each.actor for each in entries} == {"admin@example.org"}
    assert "canary" not in str([each.data for each in entries])
    assert queued_checks(app) == 2

    again = send(visitor, text, do="import", owner_id=owner)
    assert again.status_code == 422
    assert "Nothing was imported twice" in again.text
    assert world.count(ExecutionConnection) == 2
    assert world.count(AuditEntry) == 2


def test_bad_rows_when_sent_then_each_has_line_field_and_reason_and_nothing_is_stored(
    visitor: Visitor, trader: User
) -> None:
    hostile = '"<script>alert(1)</script>\r\n=cmd|\u202e"'
    bad = (
        row("Fine"),
        row("Wrong", exchange="nowhere"),
        # A key that slipped by one column is not repeated.
        f"Shifted,bybit,crypto,{KEY},x,y,,,,",
        row(hostile, mode="demo"),
        f"Preset,bybit,crypto,live,{KEY},s,,,<b>{KEY}</b>,",
        "short,row",
    )
    for do in ("check", "import"):
        answer = send(visitor, csv_of(*bad), do=do, owner_id=str(trader.id))
        assert answer.status_code == (200 if do == "check" else 422)
        assert "1 of 6 connections can be imported, 5 cannot" in answer.text
        for expected in (
            "exchange_name",
            "&#39;nowhere&#39; is not a known exchange",
            "has 2 cells, the header has 10",
        ):
            assert expected in answer.text
        assert 'data-label="Line">3</td>' in answer.text
        assert "canary" not in answer.text
        assert "<script>alert" not in answer.text
        assert "<b>" not in answer.text
    assert world.count(ExecutionConnection) == world.count(AuditEntry) == 0


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        (f"Mine,bybit,crypto,live,{KEY},secret-{KEY},,,,", "a.csv", "names none of the columns"),
        (f"{HEADER},{KEY}\n", "a.csv", "unknown columns"),
        ("[1", "a.json", "is not JSON"),
        (HEADER, "a.csv", "There is no row in it"),
        (HEADER, "a.xlsx", "must end in .json or .csv"),
        ("\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "a.csv", "names none"),
    ],
)
def test_file_when_it_cannot_be_read_then_says_why_and_repeats_no_key(
    visitor: Visitor, text: str, name: str, reason: str
) -> None:
    answer = send(visitor, text, do="import", name=name)
    assert answer.status_code == 422
    assert reason in answer.text
    assert "canary" not in answer.text
    assert world.count(ExecutionConnection) == 0


def test_text_when_pasted_then_is_read_as_json_or_csv_and_not_given_back(
    visitor: Visitor, trader: User
) -> None:
    keys = f'{{"apiKey": "{KEY}", "secret": "s-{KEY}"}}'
    named = '"name": "J", "exchange_name": "bybit", "type": "crypto", "mode": "paper"'
    pasted = f'[{{{named}, "credentials": {keys}}}]'
    for text in (pasted, csv_of(row("C"))):
        answer = visitor.post(PATH, {"credentials_text": text, "owner_id": str(trader.id)})
        assert "1 connection can be imported" in answer.text
        assert "canary" not in answer.text
    visitor.post(PATH, {"credentials_text": pasted, "owner_id": str(trader.id), "do": "import"})
    assert db.session.scalars(sa.select(ExecutionConnection.name)).all() == ["J"]
    both = send(visitor, csv_of(row("C")), do="import", credentials_text=pasted)
    assert "send one of them" in both.text
    assert "No file was sent" in visitor.post(PATH, {"do": "import"}).text
    assert world.count(ExecutionConnection) == 1


def test_file_when_it_is_too_large_then_is_refused_whole(
    visitor: Visitor, trader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_import_form, "MOST_ROWS", 2)
    text = csv_of(*(row(f"c{number}") for number in range(3)))
    answer = send(visitor, text, do="import", owner_id=str(trader.id))
    assert "It has 3 rows" in answer.text
    long = visitor.post(PATH, {"do": "import", "credentials_text": f"{HEADER}\r\n{'x' * 900_000}"})
    assert (long.status_code, "The file is not CSV: line 2" in long.text) == (422, True)
    assert visitor.post(PATH, {"do": "import", "credentials_text": "x" * 1_100_000}).status_code == 413
    assert world.count(ExecutionConnection) == 0


def test_import_when_the_login_is_old_then_asks_for_the_password_and_keeps_no_key(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    with visitor.client.session_transaction() as session:
        session["fs_paa"] = 0
    assert visitor.get(PATH).status_code == 302
    answer = send(visitor, csv_of(row("One")), do="import", owner_id=str(trader.id))
    assert answer.status_code == 401
    assert "canary" not in answer.text
    redis = app.extensions["portal_redis"]
    kept = [redis.get(key) for key in redis.scan_iter("portal:held:*")]
    assert len(kept) == 1
    assert b"canary" not in kept[0]
    assert world.count(ExecutionConnection) == 0


def test_template_when_downloaded_and_filled_in_then_can_be_imported(visitor: Visitor) -> None:
    answer = visitor.get(f"{PATH}/template.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    filled = answer.text.replace("the API key", KEY).replace("its secret", KEY)
    assert "All 2 connections can be imported" in send(visitor, filled).text


def test_page_when_somebody_else_asks_then_is_not_theirs(trader_visitor: Visitor, stranger: Visitor) -> None:
    assert trader_visitor.get(PATH).status_code == 403
    assert stranger.get(PATH).status_code == 302
    assert (
        trader_visitor.post(PATH, {"credentials_text": csv_of(row("C")), "do": "import"}).status_code == 403
    )
    assert world.count(ExecutionConnection) == 0
