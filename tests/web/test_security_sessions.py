"""S8 and S9: sessions are rows; they can be seen, ended, and end by themselves."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, utcnow
from portal.models import AuditEntry, User, UserSession
from portal.services import sessions
from tests import world
from tests.people import PASSWORD
from tests.visiting import Visitor, visit

COOKIE = "portal"


def log_in(app: Flask, visitor: Visitor | None = None) -> Visitor:
    visitor = visitor or visit(app)
    assert visitor.post("/login", {"email": "alice@example.org", "password": PASSWORD}).location == "/start"
    return visitor


def cookie(visitor: Visitor) -> str:
    found = visitor.client.get_cookie(COOKIE)
    assert found is not None
    return found.value


def replay(app: Flask, value: str) -> Visitor:
    thief = visit(app)
    thief.client.set_cookie(COOKIE, value)
    return thief


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/account").status_code == 200


def age(column: str, by: timedelta) -> None:
    """Move the clock: the row was written so long ago."""
    db.session.execute(sa.text(f"UPDATE user_sessions SET {column} = {column} - :by"), {"by": by})
    db.session.commit()


def test_s08_cookie_when_its_owner_logged_out_then_is_worth_nothing(app: Flask, alice: User) -> None:
    owner = log_in(app)
    stolen = cookie(owner)
    assert is_in(replay(app, stolen))
    owner.post("/logout")
    thief = replay(app, stolen)
    assert thief.get("/account").location.startswith("/login")
    assert thief.get("/admin/").location.startswith("/login")


def test_s08_login_when_repeated_then_has_a_new_identity(app: Flask, alice: User) -> None:
    visitor = visit(app)
    visitor.get("/login")
    before = cookie(visitor)
    log_in(app, visitor)
    first = cookie(visitor)
    assert not is_in(replay(app, before))
    visitor.post("/logout")
    log_in(app, visitor)
    assert not is_in(replay(app, first))
    assert world.count(UserSession) == 2
    hashes = db.session.scalars(sa.select(UserSession.token_hash)).all()
    assert len(set(hashes)) == 2


def test_s08_cookie_when_it_names_no_session_then_nobody_is_in(app: Flask, alice: User) -> None:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = alice.fs_uniquifier
        session["_fresh"] = True
    assert not is_in(Visitor(client))
    with client.session_transaction() as session:
        session["portal_session"] = "a" * 43
    assert not is_in(Visitor(client))


def test_s08_cookie_when_its_session_is_somebody_elses_then_nobody_is_in(app: Flask, alice: User) -> None:
    bob = world.make_user("bob@example.org")
    visitor = visit(app, bob)
    with visitor.client.session_transaction() as session:
        session["_user_id"] = alice.fs_uniquifier
    assert not is_in(visitor)


def test_s08_session_when_ended_from_another_then_is_out_and_it_is_audited(app: Flask, alice: User) -> None:
    here, there = log_in(app), log_in(app)
    page = here.get("/account").text
    assert "this one" in page
    (path,) = re.findall(r'action="(/account/sessions/\d+/end)"', page)
    assert here.post(path).location == "/account"
    assert is_in(here)
    assert not is_in(there)
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert "portal.session.ended" in actions


def test_s08_all_other_sessions_when_ended_then_only_this_one_goes_on(app: Flask, alice: User) -> None:
    here, others = log_in(app), [log_in(app) for _ in range(3)]
    bob = visit(app, world.make_user("bob@example.org"))
    assert "3 other sessions ended" in here.post("/account/sessions/end-others", follow_redirects=True).text
    assert [is_in(visitor) for visitor in (here, bob, *others)] == [True, True, False, False, False]


def test_s08_session_of_somebody_else_when_ended_then_is_not_found(app: Flask, alice: User) -> None:
    bob = world.make_user("bob@example.org")
    theirs = visit(app, bob)
    number = db.session.scalars(sa.select(UserSession.id)).one()
    assert log_in(app).post(f"/account/sessions/{number}/end").status_code == 404
    assert is_in(theirs)


def test_s08_password_when_changed_then_the_list_shows_this_session_alone(app: Flask, alice: User) -> None:
    here, there = log_in(app), log_in(app)
    stolen = cookie(here)
    new = "another good password"
    here.post("/change", {"password": PASSWORD, "new_password": new, "new_password_confirm": new})
    assert is_in(here)
    assert not is_in(there)
    assert not is_in(replay(app, stolen))
    assert here.get("/account").text.count("last seen") == 1


def test_s08_list_when_read_then_says_where_and_with_what_in_words(app: Flask, alice: User) -> None:
    visitor = visit(app)
    visitor.client.environ_base["REMOTE_ADDR"] = "127.0.0.7"
    visitor.client.environ_base["HTTP_USER_AGENT"] = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1 <script>"
    )
    page = log_in(app, visitor).get("/account").text
    assert "Safari on iPhone" in page
    assert "127.0.0.7" in page
    assert "604.1" not in page


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Chrome/140.0 Safari/537", "Chrome on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537", "Chrome on Android"),
        ("", "Unknown browser"),
    ],
)
def test_s08_browser_when_it_introduces_itself_then_is_named(agent: str, words: str) -> None:
    assert sessions.browser_words(agent) == words


def test_s09_session_when_idle_too_long_then_ends(app: Flask, alice: User) -> None:
    visitor = log_in(app)
    age("last_seen_at", timedelta(minutes=719))
    assert is_in(visitor)
    age("last_seen_at", timedelta(minutes=721))
    assert visitor.get("/account").location.startswith("/login")


def test_s09_session_when_used_then_is_not_idle(app: Flask, alice: User) -> None:
    visitor = log_in(app)
    for _ in range(3):
        age("last_seen_at", timedelta(minutes=600))
        assert is_in(visitor)


def test_s09_session_when_old_then_ends_however_busy_it_was(app: Flask, alice: User) -> None:
    visitor = log_in(app)
    age("created_at", timedelta(hours=167))
    assert is_in(visitor)
    age("created_at", timedelta(hours=2))
    assert not is_in(visitor)


def test_s08_last_seen_when_many_requests_come_then_is_written_once_a_minute(app: Flask, alice: User) -> None:
    visitor = log_in(app)
    age("last_seen_at", timedelta(minutes=5))
    stamps = []
    for _ in range(3):
        visitor.get("/account")
        stamps.append(db.session.scalars(sa.select(UserSession.last_seen_at)).one())
    assert utcnow() - stamps[0] < timedelta(seconds=30)
    assert len(set(stamps)) == 1


def test_s13_code_page_when_opened_by_a_link_then_logs_nobody_out(app: Flask, alice: User) -> None:
    visitor = log_in(app)
    assert visitor.get("/tf-validate").location == "/account"
    assert is_in(visitor)
