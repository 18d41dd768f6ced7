"""Two people in one form: nothing is undone by a slip, nothing typed is lost."""

import re

import pytest

from portal.db import db
from portal.models import ExecutionConnection, NotificationChannel, TradingPreset, User
from portal.services import connections
from portal.services.channels import managing
from portal.services.channels.managing import Wishes
from tests import world
from tests.visiting import Visitor, words
from tests.web.conftest import MakeVisitor


def seen_on(visitor: Visitor, path: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]{32})"', visitor.get(path).text)
    assert found is not None
    return found[1]


@pytest.fixture
def account(alice: User) -> ExecutionConnection:
    return world.make_connection(alice, "Alpha")


def test_connection_when_somebody_else_changed_it_then_the_second_is_told_and_may_insist(
    visiting: MakeVisitor, alice: User, account: ExecutionConnection
) -> None:
    visitor, path, key = visiting(alice), f"/connections/{account.id}/edit", account.id
    seen = seen_on(visitor, path)
    connections.update(key, {"name": "Beta"}, actor="somebody else")
    answer = visitor.post(path, {"name": "Gamma", "preset": "", "seen": seen})
    assert answer.status_code == 422
    assert "somebody else changed this" in words(answer.text)
    assert 'value="Gamma"' in answer.text
    db.session.rollback()
    assert db.session.get_one(ExecutionConnection, key).name == "Beta"
    again = re.search(r'name="seen" value="([0-9a-f]{32})"', answer.text)
    assert again is not None
    assert visitor.post(path, {"name": "Gamma", "preset": "", "seen": again[1]}).status_code == 302
    db.session.rollback()
    assert db.session.get_one(ExecutionConnection, key).name == "Gamma"


def test_connection_when_only_the_machine_touched_it_then_nobody_is_bothered(
    visiting: MakeVisitor, alice: User, account: ExecutionConnection
) -> None:
    visitor, path, key = visiting(alice), f"/connections/{account.id}/edit", account.id
    seen = seen_on(visitor, path)
    account.update_last_used()
    db.session.commit()
    assert visitor.post(path, {"name": "Gamma", "preset": "", "seen": seen}).status_code == 302
    db.session.rollback()
    assert db.session.get_one(ExecutionConnection, key).name == "Gamma"


def test_channel_when_changed_in_another_tab_then_the_first_tab_is_told(
    visiting: MakeVisitor, alice: User
) -> None:
    url = "ntfys://ntfy.sh/a-topic"
    key = managing.create(alice, Wishes(name="Phone", url=url), actor=alice).id
    visitor, path = visiting(alice), f"/notifications/channels/{key}"
    form = {"name": "Tab one", "types": ["halt"], "digest": "off", "time_zone": "UTC", "url": ""}
    form["seen"] = seen_on(visitor, path)
    managing.update(key, Wishes(name="Tab two"), actor=alice)
    assert visitor.post(path, form).status_code == 422
    db.session.rollback()
    assert db.session.get_one(NotificationChannel, key).name == "Tab two"


def test_preset_when_two_administrators_edit_it_then_the_second_is_told(
    visiting: MakeVisitor, admin: User
) -> None:
    key = world.save(TradingPreset(name="Careful")).id
    visitor, path = visiting(admin), f"/admin/presets/edit/?id={key}"
    seen = seen_on(visitor, path)
    db.session.get_one(TradingPreset, key).description = "Changed by the other"
    db.session.commit()
    page = visitor.get(path).text
    fields = dict(re.findall(r'<input[^>]*name="([a-z_0-9]+)"[^>]*value="([^"]*)"', page))
    fields |= {"name": "Careful", "description": "Mine", "seen": seen}
    fields.pop("csrf_token", None)
    answer = visitor.post(path, fields)
    assert "after you had opened it" in words(answer.text)
    assert "Mine" in answer.text
    db.session.rollback()
    assert db.session.get_one(TradingPreset, key).description == "Changed by the other"
