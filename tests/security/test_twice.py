"""Everything that has a button: pressed twice at once it happens once; when it has happened, the answer leads
elsewhere, so that "back" and "reload" repeat nothing; and nothing of it is kept by a browser."""

import contextvars
import functools
import re
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, request
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import AuditEntry, User
from tests import world
from tests.helpers import at_once
from tests.security import tenants
from tests.security.forms import Form, all_forms, forms_of
from tests.visiting import sign_in, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(600)

#: What a person would type, by the name of the field.
TYPED = {
    "name": "Fresh {n}", "email": "fresh{n}@example.org", "reason": "because", "currency_pair": "BTC/USDT",
    "exchange_name": "sandbox", "confirmation": "HALTED", "price": "1", "apiKey": "k" * 20,
    "secret": "s" * 20, "credential_apiKey": "k" * 20, "credential_secret": "s" * 20, "provider": "bybit",
    "max_order_notional": "50", "url": "ntfys://ntfy.sh/a-topic-{n}", "time_zone": "UTC",
    "new_password": "correct horse battery {n}", "new_password_confirm": "correct horse battery {n}",
}  # fmt: skip
#: They show something that is shown once, so they cannot lead elsewhere (see test_shown_once.py).
SHOWN_ONCE = (
    r"/tokens(/new/)?$|/invitations/new/|/users/(new|password)/|mf-recovery-codes|tf-setup|wan-register"
)


#: Where the rows of `tenants` hold a text that a form would refuse.
VALID = {
    "provider": "bybit", "time_zone": "UTC", "settings": "{}", "types": ["halt"], "quiet_from": "",
    "quiet_to": "", "digest": "off", "take_profits": "", "trading_timezone": "UTC", "trading_days": "",
    "trading_start": "", "trading_end": "",
}  # fmt: skip
#: They ask for something to be done and show no value that could be undone.
NOTHING_SHOWN = r"/withdrawals/|/stop(/|$)|/rerun/|/unresolved/"


def as_a_person_would(form: Form, number: int) -> dict[str, Any]:
    typed = {
        name: TYPED[name].format(n=number)
        for name in form.fields
        if not form.fields[name][1] and name in TYPED
    }
    if "name" in form.typed:
        typed["name"] = TYPED["name"].format(n=number)
    boxes = {name: [value] for name, (kind, value) in form.fields.items() if kind == "checkbox"}
    return boxes | form.unchanged() | typed


def counts() -> Counter[str]:
    """Rows per table, and entries of the trail per action."""
    db.session.rollback()
    found: Counter[str] = Counter()
    for table in db.metadata.sorted_tables:
        if table.name not in {"user_sessions", "audit_entries", "audit_heads"}:
            found[table.name] = db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
    actions = (
        sa.select(AuditEntry.action, sa.func.count())
        .where(AuditEntry.action != "portal.form.unread_fields")
        .group_by(AuditEntry.action)
    )
    found.update({row[0]: row[1] for row in db.session.execute(actions)})
    db.session.rollback()
    return found


@pytest.fixture
def slow(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Views begin their work when the second request of a double click is there, too."""
    redis = app.extensions["portal_redis"]

    def slowly(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def call(*args: Any, **kwargs: Any) -> Any:
            until = time.monotonic() + 3
            while request.method == "POST" and not redis.keys("portal:sent:*:waiting"):
                if time.monotonic() > until:
                    break
                time.sleep(0.01)
            return view(*args, **kwargs)

        return call

    for endpoint, view in app.view_functions.items():
        monkeypatch.setitem(app.view_functions, endpoint, slowly(view))


def twice_at_once(app: Flask, user_id: int, form: Form, data: dict[str, Any]) -> list[TestResponse]:
    """Two identical requests of one browser: same cookie, same token."""
    clients = [app.test_client() for _ in range(2)]
    with clients[0].session_transaction() as session:
        sign_in(session, db.session.get_one(User, user_id))
    page = contextvars.Context().run(clients[0].get, "/change")
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[0]
    cookie = clients[0].get_cookie("portal")
    assert cookie is not None
    clients[1].set_cookie("portal", cookie.value)
    sent = {"csrf_token": token, **data}
    answers = at_once(
        app, [partial(client.post, form.action, data=sent, buffered=True) for client in clients]
    )
    redis = app.extensions["portal_redis"]
    for key in redis.keys("portal:sent:*"):
        redis.delete(key)
    return answers


@pytest.mark.usefixtures("slow")
def test_every_button_pressed_twice_at_once_has_one_effect_and_leads_elsewhere(
    app: Flask, alice: User, admin: User
) -> None:
    """The fields that nobody reads are those of views that have nothing to do any more."""
    ids = tenants.settle(alice, admin, "alice")
    wrong, done = [], 0
    forms = [(user.id, form) for user, form in all_forms(app, ids, alice, admin)]
    for number, (user_id, form) in enumerate(forms):
        before = counts()
        answers = twice_at_once(app, user_id, form, as_a_person_would(form, number))
        added = counts() - before
        if not added:
            continue
        done += 1
        for name, more in added.items():
            if more > 1:
                wrong.append(f"{form}: {more} x {name}")
        for answer in answers:
            if answer.status_code >= 400:
                wrong.append(f"{form}: {answer.status_code}")
            if answer.status_code == 200 and not re.search(SHOWN_ONCE, form.action):
                wrong.append(f"{form}: answers with a page")
            if answer.headers["Cache-Control"] != "no-store":
                wrong.append(f"{form}: may be kept")
    assert not wrong, "\n".join(["", *wrong])
    assert done >= 30


@pytest.mark.usefixtures("slow")
def test_second_of_two_waits_for_the_first_and_follows_it(app: Flask, alice: User) -> None:
    connection_id = world.make_connection(alice).id
    form = Form("/", f"/connections/{connection_id}/test", "post")
    answers = twice_at_once(app, alice.id, form, {})
    assert [each.status_code for each in answers] == [302, 302]
    assert answers[0].location == answers[1].location
    assert counts()["portal.connection.test_requested"] == 1
    # One after the other is what somebody wants.
    assert visit(app, db.session.get_one(User, alice.id)).post(form.action).status_code == 302
    assert counts()["portal.connection.test_requested"] == 2
    assert app.extensions["portal_redis"].keys("portal:sent:*") == []


def test_form_that_is_refused_is_not_followed_but_looked_at_by_itself(app: Flask, alice: User) -> None:
    form = Form("/presets/new", "/presets/new", "post")
    answers = twice_at_once(app, alice.id, form, {"name": ""})
    assert [each.status_code for each in answers] == [422, 422]


def candidates(form: Form) -> list[tuple[str, str]]:
    texts = (
        "Renamed by another",
        "ETH/USDT",
        "17",
        "2031-02-03T04:05",
        "America/New_York",
        "ren@example.org",
    )
    return [(name, text) for name in form.typed if form.fields[name][0] != "password" for text in texts]


def test_every_form_that_changes_a_row_says_when_somebody_else_changed_it_meanwhile(
    app: Flask, alice: User, admin: User
) -> None:
    ids = tenants.settle(alice, admin, "alice")
    edits, silent, unchanged = 0, [], []
    for user, form in list(all_forms(app, ids, alice, admin)):
        if not re.search(r"/\d+(/|$)|\?id=\d", form.action) or not any(
            form.fields[name][0] != "password" for name in form.typed
        ):
            continue  # makes something, or shows nothing of what is there
        if re.search(NOTHING_SHOWN, form.action):
            continue
        edits += 1
        if "seen" not in form.fields:
            silent.append(str(form))
            continue
        person, other = visit(app, user), visit(app, user)
        mine = form.unchanged() | {name: text for name, text in VALID.items() if name in form.fields}
        for name, text in candidates(form):
            other.post(form.action, mine | {name: text})
            (now, *_) = [each for each in forms_of(other, form.page) if each.action == form.action]
            if now.fields["seen"][1] != mine["seen"]:
                break
        else:
            unchanged.append(str(form))
            continue
        answer = person.post(form.action, mine)
        if answer.status_code not in (200, 422) or "after you had opened it" not in answer.text:
            silent.append(f"{form} ({answer.status_code})")
        (kept, *_) = [each for each in forms_of(other, form.page) if each.action == form.action]
        assert kept.fields["seen"] == now.fields["seen"], f"{form}: it was overwritten"
    assert not silent, "\n".join(["", *silent])
    assert not unchanged, "\n".join(["", *unchanged])
    assert edits >= 8
