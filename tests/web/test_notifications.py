"""What people read of an event, here and outside: what happened, on which account, what it means, a link."""

import ast
from pathlib import Path

import pytest
from flask import Flask

from portal.db import utcnow
from portal.models import User
from portal.services.channels import texts
from portal.trading.types import NotificationType
from portal.web import words
from portal.web.channel_forms import KINDS
from tests import world
from tests.web.conftest import MakeVisitor

SERVICES = Path(__file__).parents[2] / "portal" / "services"
#: Told to the house or to one person, about no account: the title or the body names what it is about.
WITHOUT_ACCOUNT = {
    "audit_chain.py", "books.py", "connections_warnings.py", "channels/delivery.py", "house_alarms.py",
    "price_alarms.py", "trading_state.py",
}  # fmt: skip


@pytest.mark.parametrize("type_", NotificationType)
def test_message_of_each_kind_when_written_then_names_event_account_meaning_and_link(
    type_: NotificationType,
) -> None:
    path = texts.page_of(type_, position_id=7, execution_id=8, connection_id=9)
    told = texts.Told(type_, "Something happened", "In detail.", "House, spot", path, utcnow())
    message = texts.message([told], "https://portal.example/")
    assert message.title == "Something happened"
    for part in ("In detail.", "Account: House, spot", texts.MEANING[type_]):
        assert part in message.body
    assert message.body.endswith("https://portal.example/positions/7")
    meaning = texts.MEANING[type_]
    assert meaning[0].isupper()
    assert meaning.endswith(".")
    assert type_ in words.NEWS
    assert type_ in KINDS


@pytest.mark.parametrize("type_", NotificationType)
def test_notification_of_each_kind_when_read_in_the_portal_then_says_the_same(
    type_: NotificationType, visiting: MakeVisitor, alice: User
) -> None:
    connection = world.make_connection(alice, "Alice, spot")
    world.make_notification(
        alice, "Something happened", body="In detail.", type=type_, connection_id=connection.id
    )
    world.make_notification(alice, "Older than its kind", type=type_, read_at=utcnow())
    visitor = visiting(alice)
    page = visitor.see("/notifications")
    for part in (
        "Something happened",
        "In detail.",
        "on Alice, spot",
        texts.MEANING[type_],
        words.NEWS[type_][0],
    ):
        assert part in page
    assert (
        f'<a href="/connections/{connection.id}">Something happened</a>' in visitor.get("/notifications").text
    )
    unread = visitor.see(f"/notifications?show=unread&kind={type_.value}")
    assert "Something happened" in unread
    assert "Older than its kind" not in unread
    other = next(each for each in NotificationType if each is not type_)
    assert "Nothing of this kind." in visitor.see(f"/notifications?kind={other.value}")


def test_notification_of_the_house_when_it_names_no_row_then_leads_to_the_administration(app: Flask) -> None:
    assert texts.page_of(NotificationType.HALT, is_for_house=True) == "/admin/trading_state/"
    assert texts.page_of(NotificationType.ERROR, is_for_house=True) == "/admin/"
    assert texts.page_of(NotificationType.ERROR) == "/notifications"
    assert texts.page_of(NotificationType.ERROR, execution_id=3, connection_id=4) == "/executions/3"


def test_every_call_that_tells_somebody_names_the_row_that_it_is_about() -> None:
    calls = [
        (path.relative_to(SERVICES).as_posix(), node)
        for path in SERVICES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("notify", "notifications.notify")
    ]
    assert len(calls) > 30
    named = {"connection", "execution", "position"}
    nameless = {
        where
        for where, call in calls
        if not named & {keyword.arg for keyword in call.keywords if keyword.arg}
    }
    assert nameless == WITHOUT_ACCOUNT


def test_notifications_when_opened_then_show_all_whatever_is_unread(
    visiting: MakeVisitor, alice: User
) -> None:
    world.make_notification(alice, "Unread")
    world.make_notification(alice, "Read", read_at=utcnow())
    page = visiting(alice).get("/notifications").text
    assert "selected" not in page
    assert page.count('class="news-text"') == 2
