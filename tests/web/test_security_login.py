"""Logging in and out: passwords, throttling, sessions, the second factor."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import AuditEntry, User
from portal.web import throttle
from tests.people import PASSWORD, person
from tests.visiting import Visitor, visit


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    return visit(app)


def log_in(
    visitor: Visitor, password: str = PASSWORD, email: str = "alice@example.org", path: str = "/login"
) -> TestResponse:
    return visitor.post(path, {"email": email, "password": password})


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/change").status_code == 200


def test_login_when_the_password_is_right_then_works_in_any_case_of_the_address_and_is_audited(
    stranger: Visitor, alice: User
) -> None:
    assert not is_in(stranger)
    assert log_in(stranger, email=" Alice@Example.ORG ").location == "/start"
    assert is_in(stranger)
    user = db.session.get_one(User, alice.id)
    assert user.login_count == 1
    assert user.password.startswith("$argon2id$")
    assert [entry.action for entry in db.session.query(AuditEntry)] == ["portal.user.logged_in"]


def test_login_when_something_is_wrong_then_the_answer_does_not_say_what(
    stranger: Visitor, alice: User
) -> None:
    person("gone@example.org", active=False)
    said = re.compile(r'role="alert">([^<]+)')
    wrong = said.findall(log_in(stranger, "wrong").text)
    unknown = said.findall(log_in(stranger, email="nobody@example.org").text)
    assert len(wrong) == 1
    assert wrong == unknown
    for who in (alice.email, "nobody@example.org"):
        assert said.findall(log_in(stranger, PASSWORD + "x" * 100_000, email=who).text) == wrong
    log_in(stranger, email="gone@example.org")
    assert not is_in(stranger)


def test_s03_login_when_guessed_then_is_slowed_down_for_this_address_only(app: Flask, alice: User) -> None:
    guesser = visit(app)
    for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS):
        log_in(guesser, "guess")
    assert "Too many wrong passwords" in log_in(guesser).text
    assert not is_in(guesser)
    # The owner, from elsewhere, and other accounts from here, are not locked out.
    owner = visit(app)
    owner.client.environ_base["REMOTE_ADDR"] = "127.0.0.2"
    assert log_in(owner).status_code == 302
    person("bob@example.org")
    assert log_in(visit(app), email="bob@example.org").status_code == 302


def test_s03_login_when_one_address_tries_many_accounts_then_it_is_stopped(app: Flask, alice: User) -> None:
    with app.test_request_context():
        for number in range(throttle.PER_ADDRESS):
            throttle.note_failure(f"{number}@example.org", "127.0.0.1")
        assert throttle.is_blocked("fresh@example.org", "127.0.0.1")
        assert not throttle.is_blocked("fresh@example.org", "127.0.0.9")
    assert "Too many wrong passwords" in log_in(visit(app)).text


def test_right_password_when_given_in_time_then_forgets_the_failures(app: Flask, alice: User) -> None:
    for _ in range(2):
        visitor = visit(app)
        for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS - 1):
            log_in(visitor, "guess")
        assert log_in(visitor).status_code == 302


@pytest.mark.usefixtures("redis_away")
def test_login_when_redis_is_away_then_still_works(stranger: Visitor, alice: User) -> None:
    log_in(stranger, "wrong")
    assert not is_in(stranger)
    log_in(stranger)
    assert is_in(stranger)


@pytest.mark.parametrize(
    "hostile",
    [
        "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "http:evil.example", "javascript:alert(1)", "https:/evil.example", " https://evil.example",
        "/%09/evil.example", "http://localhost@evil.example/",
    ],
)  # fmt: skip
def test_s32_next_when_it_leads_elsewhere_then_is_not_followed(
    stranger: Visitor, alice: User, hostile: str
) -> None:
    for path, data in ((f"/login?next={hostile}", {}), ("/login", {"next": hostile})):
        token = stranger.token()
        form = {"email": alice.email, "password": PASSWORD, "csrf_token": token, **data}
        location = stranger.post_bare(path, form).location or "/"
        # As a browser reads it: backslashes are slashes to it, percent signs are just letters of a path.
        assert "\\" not in location
        assert urlsplit(urljoin("http://localhost/login", location))[:2] == ("http", "localhost"), location
        stranger.client.delete_cookie("portal")


def test_next_when_it_is_ours_then_is_followed(stranger: Visitor, alice: User) -> None:
    assert log_in(stranger, path="/login?next=/change").location == "/change"


def test_login_when_sent_without_a_token_then_is_refused(stranger: Visitor, alice: User) -> None:
    response = stranger.post_bare("/login", {"email": alice.email, "password": PASSWORD})
    assert response.status_code == 400
    assert not is_in(stranger)


def test_s12_s13_logout_when_asked_by_get_or_bare_then_nothing_happens(app: Flask, alice: User) -> None:
    visitor = visit(app, alice)
    assert visitor.get("/logout").status_code == 405
    assert visitor.post_bare("/logout").status_code == 400
    assert is_in(visitor)
    assert visitor.post("/logout").location == "/login"
    assert not is_in(visitor)


def test_s08_password_when_changed_then_all_other_sessions_end(app: Flask, alice: User) -> None:
    here, there = visit(app, alice), visit(app, alice)
    new = "another good password"
    data = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    assert (
        "field-error"
        in here.post("/change", {**data, "new_password": "short", "new_password_confirm": "short"}).text
    )
    assert is_in(there)
    assert here.post("/change", data).status_code == 302
    assert is_in(here)
    assert not is_in(there)
    assert log_in(visit(app), new).status_code == 302


def test_session_when_a_user_is_deactivated_then_ends_at_once(app: Flask, alice: User) -> None:
    visitor = visit(app, alice)
    assert is_in(visitor)
    db.session.get_one(User, alice.id).active = False
    db.session.commit()
    assert not is_in(visitor)


def test_s10_session_cookie_when_set_then_is_out_of_reach_of_scripts_and_other_sites(
    stranger: Visitor, alice: User
) -> None:
    cookie = log_in(stranger).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "remember_token" not in str(log_in(stranger).headers)


def test_token_in_the_address_when_sent_then_logs_nobody_in(app: Flask, alice: User) -> None:
    token = alice.get_auth_token()
    visitor = visit(app)
    assert visitor.get(f"/change?auth_token={token}").status_code == 302
    assert visitor.get("/change", headers={"Authentication-Token": token}).status_code == 302


def test_s03_account_when_guessed_a_hundred_times_then_few_are_checked_and_the_owner_gets_in_elsewhere(
    app: Flask, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []
    real = User.verify_and_update_password
    monkeypatch.setattr(
        User, "verify_and_update_password", lambda self, given: (checked.append(given), real(self, given))[1]
    )
    guesser = visit(app)
    token = guesser.token()
    for number in range(100):
        form = {"email": alice.email, "password": f"guess {number}", "csrf_token": token}
        assert guesser.post_bare("/login", form).status_code == 200
    assert 0 < len(checked) < 10
    owner = visit(app)
    owner.client.environ_base["REMOTE_ADDR"] = "127.0.0.2"
    assert log_in(owner).location == "/start"


def test_s03_account_when_guessed_from_everywhere_then_only_known_addresses_are_let_in(
    app: Flask, alice: User
) -> None:
    owner = visit(app)
    owner.client.environ_base["REMOTE_ADDR"] = "127.0.0.2"
    log_in(owner)
    with app.test_request_context():
        for number in range(throttle.PER_ACCOUNT):
            throttle.note_failure(alice.email, f"10.0.{number // 256}.{number % 256}")
    stranger = visit(app)
    assert "Too many wrong passwords" in log_in(stranger).text
    assert not is_in(stranger)
    again = visit(app)
    again.client.environ_base["REMOTE_ADDR"] = "127.0.0.2"
    assert log_in(again).location == "/start"


def test_s03_addresses_when_of_one_ipv6_network_then_count_as_one(app: Flask) -> None:
    with app.test_request_context():
        for number in range(throttle.PER_ACCOUNT_AND_ADDRESS):
            throttle.note_failure("alice@example.org", f"2001:db8:1:2::{number:x}")
        assert throttle.is_blocked("alice@example.org", "2001:db8:1:2:ffff::1")
        assert not throttle.is_blocked("alice@example.org", "2001:db8:1:3::1")


def test_s41_forwarded_address_when_invented_then_does_not_help_the_guesser(app: Flask, alice: User) -> None:
    guesser = visit(app)
    token = guesser.token()
    for number in range(throttle.PER_ACCOUNT_AND_ADDRESS + 1):
        form = {"email": alice.email, "password": "guess", "csrf_token": token}
        last = guesser.post_bare("/login", form, headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert "Too many wrong passwords" in last.text
