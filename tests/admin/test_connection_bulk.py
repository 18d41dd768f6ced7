"""Many connections at once: asked for by name, done row by row, and told row by row."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.admin import connection_bulk
from portal.db import db
from portal.models import AuditEntry, ExecutionConnection, Subscription, TradingPreset, User
from portal.trading.types import Visibility
from tests import world
from tests.visiting import Visitor

PATH = "/admin/connections/bulk"


def press(visitor: Visitor, do: str, ids: list[int], **more: Any) -> TestResponse:
    return visitor.post(PATH, {"do": do, "rowid": [str(each) for each in ids], "confirmed": "yes", **more})


def audited() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_list_when_shown_then_has_a_box_per_row_and_what_can_be_done(visitor: Visitor, trader: User) -> None:
    assert 'id="bulk"' not in visitor.get("/admin/connections/").text
    preset = world.save(TradingPreset(name="<b>Careful</b>"))
    connection = world.make_connection(trader, "<i>Mine</i>")
    plan = world.make_plan("Gold")
    page = visitor.get("/admin/connections/").text
    assert f'name="rowid" value="{connection.id}" form="bulk" aria-label="Tick &lt;i&gt;Mine' in page
    for key in ("test", "activate", "deactivate", "preset:0", f"preset:{preset.id}", f"plan:{plan.id}"):
        assert f'<option value="{key}">' in page
    assert "<b>Careful" not in page


def test_bulk_when_not_confirmed_then_names_what_would_be_done_and_does_nothing(
    visitor: Visitor, trader: User
) -> None:
    first, second = world.make_connection(trader, "One"), world.make_connection(trader, "<u>Two</u>")
    page = press(visitor, "deactivate", [first.id, second.id], confirmed="").text
    assert "Switch off: 2 connections?" in page
    assert "Open positions are still watched" in page
    assert "One" in page
    assert "<u>Two" not in page
    for nothing in (press(visitor, "deactivate", []), press(visitor, "delete", [first.id])):
        assert nothing.location == "/admin/connections/"
    assert press(visitor, "test", [], rowid=["x", "-1", "9" * 30]).location == "/admin/connections/"
    assert audited() == []


def test_bulk_switch_and_test_when_confirmed_then_do_each_row_once_and_say_what_was_not_done(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    on = [world.make_connection(trader, f"c{number}").id for number in range(2)]
    off = world.make_connection(trader, "Off", is_active=False).id
    page = press(visitor, "deactivate", [*on, off, on[0]]).text
    assert "2 of 3 done; nothing was changed on 1." in page
    assert "It is switched off already." in page
    assert audited() == ["portal.connection.updated"] * 2
    assert "3 of 3 done." in press(visitor, "activate", [*on, off]).text
    assert "3 of 3 done." in press(visitor, "test", [*on, off]).text
    assert audited()[5:] == ["portal.connection.test_requested"] * 3
    assert db.session.scalars(sa.select(ExecutionConnection.is_active)).all() == [True] * 3


def test_bulk_preset_when_an_owner_may_not_use_it_then_only_the_others_get_it(
    visitor: Visitor, admin: User, trader: User
) -> None:
    mine = world.save(TradingPreset(name="Mine", owner_id=trader.id, visibility=Visibility.PRIVATE))
    theirs, ours = world.make_connection(trader, "Theirs"), world.make_connection(admin, "Ours")
    page = press(visitor, f"preset:{mine.id}", [theirs.id, ours.id]).text
    assert "1 of 2 done; nothing was changed on 1." in page
    assert "that this connection may use" in page
    rows = db.session.execute(
        sa.select(ExecutionConnection.name, ExecutionConnection.preset_id).order_by(ExecutionConnection.name)
    ).all()
    assert [tuple(row) for row in rows] == [("Ours", None), ("Theirs", mine.id)]
    assert "1 of 2 done" in press(visitor, "preset:0", [theirs.id, ours.id]).text
    assert audited() == ["portal.connection.updated"] * 2


def test_bulk_plan_when_chosen_then_subscribes_each_owner_once(
    visitor: Visitor, admin: User, trader: User
) -> None:
    plan = world.make_plan("Gold")
    ids = [world.make_connection(trader, name).id for name in ("One", "Two")]
    ids.append(world.make_connection(admin, "Ours").id)
    page = press(visitor, f"plan:{plan.id}", ids).text
    assert "1 of 3 done; nothing was changed on 2." in page
    assert "is subscribed already" in page
    assert "It is admin-owned" in page
    made = db.session.scalars(sa.select(Subscription)).one()
    assert (made.user_id, made.plan_id, made.is_current) == (trader.id, plan.id, True)
    assert audited() == ["portal.subscription.created"]


def test_bulk_when_many_are_chosen_then_the_number_is_typed(
    visitor: Visitor, trader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_bulk, "_TYPED_ABOVE", 2)
    ids = [world.make_connection(trader, f"c{number}").id for number in range(3)]
    for count in ("", "2"):
        answer = press(visitor, "deactivate", ids, count=count)
        assert answer.status_code == 422
        assert "Type 3, the number of connections. Nothing was done." in answer.text
    assert audited() == []
    assert "3 of 3 done." in press(visitor, "deactivate", ids, count="3").text


def test_bulk_of_hundreds_is_done_in_one_request(visitor: Visitor, trader: User) -> None:
    rows = [world.make_connection(trader, f"c{number}") for number in range(200)]
    assert "200 of 200 done." in press(visitor, "deactivate", [row.id for row in rows], count="200").text
    assert len(audited()) == 200


def test_bulk_when_somebody_else_asks_or_the_login_is_old_then_nothing_happens(
    visitor: Visitor, trader: User, trader_visitor: Visitor
) -> None:
    connection = world.make_connection(trader)
    assert press(trader_visitor, "deactivate", [connection.id]).status_code == 403
    with visitor.client.session_transaction() as session:
        session["fs_paa"] = 0
    assert press(visitor, "deactivate", [connection.id]).status_code == 401
    assert visitor.get(PATH).location == "/admin/connections/"
    assert audited() == []
