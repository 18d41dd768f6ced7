"""The pages of channels: an address goes in and never comes out, and everybody sees only their own."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import NotificationChannel, User
from portal.services.channels import managing
from portal.services.channels.managing import Wishes
from tests import world
from tests.visiting import words
from tests.web.conftest import MakeVisitor

URL = "ntfys://ntfy.sh/a-topic-nobody-guesses"
NEW = {"name": "My phone", "url": URL, "types": ["halt", "error"], "digest": "hourly", "time_zone": "UTC"}


@pytest.fixture
def mine(alice: User) -> Iterator[int]:
    yield managing.create(alice, Wishes(name="My phone", url=URL), actor=alice).id


def stored() -> list[NotificationChannel]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(NotificationChannel)))


def test_channel_when_added_then_it_is_stored_and_a_test_is_asked_for(
    visiting: MakeVisitor, alice: User
) -> None:
    visitor = visiting(alice)
    assert "You are told in the portal only" in visitor.see("/notifications/channels")
    answer = visitor.post("/notifications/channels/new", NEW)
    assert answer.status_code == 302
    (made,) = stored()
    assert (made.user_id, made.service, made.types) == (alice.id, "ntfy", ["error", "halt"])
    assert made.test_requested_at is not None
    page = visitor.get("/notifications/channels").text
    assert "My phone" in page
    assert "a-topic-nobody-guesses" not in page


def test_channel_when_its_address_is_refused_then_nothing_is_stored_and_the_rest_is_kept(
    visiting: MakeVisitor, alice: User
) -> None:
    answer = visiting(alice).post("/notifications/channels/new", NEW | {"url": "json://192.168.0.1/x"})
    assert answer.status_code == 422
    assert "192.168.0.1 is an address of this machine or its network" in words(answer.text)
    assert 'value="My phone"' in answer.text
    assert stored() == []


def test_channel_when_changed_without_an_address_then_the_stored_one_is_kept(
    visiting: MakeVisitor, alice: User, mine: int
) -> None:
    visitor = visiting(alice)
    assert "a-topic-nobody-guesses" not in visitor.get(f"/notifications/channels/{mine}").text
    changed = NEW | {"name": "Old phone", "url": "", "quiet_from": "22:00", "quiet_to": "07:00"}
    assert visitor.post(f"/notifications/channels/{mine}", changed).status_code == 302
    (row,) = stored()
    assert row.name == "Old phone"
    assert row.get_credential("url") == URL
    assert "quiet 22:00–07:00 UTC" in visitor.see("/notifications/channels")


def test_channel_when_paused_tested_and_removed_then_each_is_done(
    visiting: MakeVisitor, alice: User, mine: int
) -> None:
    visitor = visiting(alice)
    visitor.post(f"/notifications/channels/{mine}/switch", {"to": "off"})
    assert not stored()[0].is_active
    visitor.post(f"/notifications/channels/{mine}/switch", {"to": "on"})
    visitor.post(f"/notifications/channels/{mine}/test")
    (row,) = stored()
    assert row.is_active
    assert row.test_requested_at is not None
    visitor.post(f"/notifications/channels/{mine}/delete")
    assert stored() == []


@pytest.mark.parametrize("path", ["", "/test", "/switch", "/delete"])
def test_s14_channel_when_it_is_somebody_elses_then_it_does_not_exist(
    app: Flask, visiting: MakeVisitor, mine: int, path: str
) -> None:
    visitor = visiting(world.make_user("bob@example.org"))
    answer = visitor.post(f"/notifications/channels/{mine}{path}", NEW)
    assert answer.status_code == 404
    (row,) = stored()
    assert (row.name, row.is_active, row.test_requested_at) == ("My phone", True, None)
