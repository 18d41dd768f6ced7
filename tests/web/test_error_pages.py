"""Error pages: what happened, what was not done, and a way on, whoever looks and whatever is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from redis import ConnectionError as RedisAway

from portal import create_app
from portal.config import Settings
from portal.models import User
from tests.visiting import Visitor, visit

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
BROWSER = {"Sec-Fetch-Site": "same-origin", "Referer": "http://localhost/change"}


@contextmanager
def failing(app: Flask, endpoint: str, error: Exception) -> Iterator[None]:
    view = app.view_functions[endpoint]

    def fail() -> None:
        raise error

    app.view_functions[endpoint] = fail
    yield
    app.view_functions[endpoint] = view


@pytest.fixture
def without_database(visitor: Visitor, settings: Settings) -> Visitor:
    """The same person with the same cookie; the database is gone."""
    assert visitor.get("/").status_code == 200
    cookie = visitor.client.get_cookie("portal")
    assert cookie is not None
    client = create_app(replace(settings, database_url=NOWHERE)).test_client()
    client.set_cookie("portal", cookie.value)
    return Visitor(client)


def test_page_when_the_database_is_away_then_says_so_and_has_its_looks(without_database: Visitor) -> None:
    page = without_database.get("/positions?show=all")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "The database does not answer" in page.text
    assert "Nothing was changed" in page.text
    assert '<a class="button primary" href="/positions?show=all">Try again</a>' in page.text
    for detail in ("psycopg", "127.0.0.1", "Traceback"):
        assert detail not in page.text
    assert without_database.get("/static/portal.css").status_code == 200


def test_form_when_the_database_is_away_then_promises_nothing_and_leads_back(
    without_database: Visitor,
) -> None:
    page = without_database.post_bare("/change", {"password": "x"}, headers=BROWSER)
    assert page.status_code == 503
    assert "As far as we know nothing was changed" in page.text
    assert '<a class="button primary" href="/change">Back to the page</a>' in page.text


def test_address_with_two_slashes_when_it_fails_then_leads_to_no_other_site(
    without_database: Visitor,
) -> None:
    page = without_database.get("//evil.example/")
    assert "//evil.example" not in page.text


def test_page_when_redis_is_away_then_says_so(app: Flask, visitor: Visitor) -> None:
    with failing(app, "security.change_password", RedisAway("10.0.0.7 refused")):
        page = visitor.get("/change")
    assert page.status_code == 503
    assert "Redis does not answer" in page.text
    assert "10.0.0.7" not in page.text


def test_error_when_somebody_looks_then_the_way_on_is_one_they_can_go(
    app: Flask, alice: User, admin: User
) -> None:
    stranger, trader, operator = (visit(app, each).get("/admin/nothing") for each in (None, alice, admin))
    assert {page.status_code for page in (stranger, trader, operator)} == {404}
    assert '<a class="button primary" href="/login">Log in</a>' in stranger.text
    assert '<a class="button primary" href="/">Back to the portal</a>' in trader.text
    assert 'id="admin-menu"' not in trader.text
    assert '<a class="button primary" href="/admin/">Back to the administration</a>' in operator.text
    assert 'id="admin-menu"' in operator.text
    assert operator.text.count("<h1>") == 1


def test_form_when_it_was_too_large_then_the_page_leads_back_to_it(visitor: Visitor) -> None:
    page = visitor.post_bare("/change", {"password": "x" * 1_100_000}, headers=BROWSER)
    assert page.status_code == 413
    assert '<a class="button primary" href="/change">Back to the page</a>' in page.text
