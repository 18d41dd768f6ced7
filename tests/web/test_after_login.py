"""Where a login leads: operators to their dashboard, owners to their accounts, everybody to the page that was
wished for."""

import re

import pytest
from flask import Flask

from portal.models import User
from tests.people import PASSWORD
from tests.visiting import Visitor, visit
from tests.web.test_security_factor import Login, code_of, set_up


def lands(visitor: Visitor, location: str | None) -> str:
    """Where a browser ends that is sent to `location`."""
    assert location == "/start"
    return str(visitor.get(location).location)


@pytest.mark.parametrize(("who", "page"), [("admin", "/admin/"), ("alice", "/")])
def test_login_for_no_page_when_done_then_leads_to_where_that_person_works(
    app: Flask, request: pytest.FixtureRequest, who: str, page: str
) -> None:
    user: User = request.getfixturevalue(who)
    visitor = visit(app)
    asked = visitor.get("/").location
    assert asked == "/login", "whoever comes to the front door wished for no page"
    answer = visitor.post(asked, {"email": user.email, "password": PASSWORD})
    assert lands(visitor, answer.location) == page
    assert visitor.get(page).status_code == 200
    assert lands(visitor, visitor.get("/login").location) == page, "who is logged in already"


@pytest.mark.parametrize(("who", "page"), [("admin", "/admin/"), ("alice", "/")])
def test_login_with_a_second_factor_when_done_then_leads_there_too(
    app: Flask, request: pytest.FixtureRequest, who: str, page: str
) -> None:
    user: User = request.getfixturevalue(who)
    key = set_up(visit(app, user))
    login = Login(app, user.email)
    assert lands(login.visitor, login.send("/tf-validate", code=code_of(key)).location) == page


@pytest.mark.parametrize("wished", ["/connections", "/"])
def test_login_for_a_page_when_done_by_an_administrator_then_leads_there(
    app: Flask, admin: User, wished: str
) -> None:
    answer = visit(app).post(f"/login?next={wished}", {"email": admin.email, "password": PASSWORD})
    assert answer.location == wished


def test_administrator_when_in_one_part_then_finds_the_way_to_the_other(app: Flask, admin: User) -> None:
    visitor = visit(app, admin)
    for here, other in (("/", "/admin/"), ("/admin/", "/")):
        assert re.search(rf'<a class="top-link[^"]*" href="{other}">', visitor.get(here).text), here


def test_start_when_asked_for_by_a_stranger_then_asks_to_log_in(app: Flask) -> None:
    assert visit(app).get("/start").location.startswith("/login")
