"""A form that is sent after its session or its token is over: nothing is done, nothing typed is lost, and no
other site can put words into a form. Over all forms that pages show."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from portal.models import TradingPreset, User
from portal.web import kept_forms, refill
from tests import world
from tests.people import PASSWORD
from tests.security import tenants
from tests.security.forms import Form, all_forms, forms_in, pages
from tests.visiting import Visitor, sign_in, visit
from tests.web.test_security_factor import code_of, set_up

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

OURS = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
WORDS = "Ünderwritten <b>“x”</b> & 'y'\u202e 👩‍👩‍👧"
SECRET = "canary-of-a-secret"
#: What fits inputs that a browser lets nobody type a sentence into.
_FITTING = {
    "number": "17", "datetime-local": "2031-02-03T04:05", "date": "2031-02-03", "time": "04:05",
    "password": SECRET,
}  # fmt: skip


def sent_from(form: Form) -> dict[str, str]:
    """Something in every input; secrets where secrets go; the token is somebody else's business."""
    sent = {}
    for name, (kind, value) in form.fields.items():
        if kind in ("checkbox", "file") or name == "csrf_token":
            continue
        words = _FITTING.get(kind, WORDS) if name in form.typed else value
        sent[name] = SECRET if kept_forms.is_secret(name) and name in form.typed else words
    return sent


def comes_back(form: Form) -> list[str]:
    """What has to be in the form again."""
    return [name for name in form.typed if not kept_forms.is_secret(name)]


def link(page: str, label: str) -> str:
    found = re.search(rf'href="([^"]+)">{label}<', page)
    assert found, (label, page)
    return unescape(found[1])


def lost(form: Form, sent: dict[str, str], page: str) -> list[str]:
    """What is missing in the form that came back."""
    if SECRET in page:
        return [f"{form}: a secret is in the page"]
    again = [
        each
        for each in forms_in(form.page, page)
        if each.action == form.action and set(each.fields) == set(form.fields)
    ]
    if not again or "This is what you typed before. Nothing was done with it yet" not in page:
        return [f"{form}: it does not come back"]
    fields = again[0].fields
    found = [
        f"{form}: {name} was lost: {fields[name][1]!r}"
        for name in comes_back(form)
        if form.fields[name][0] != "textarea" and fields[name][1] != sent[name]
    ]
    if [
        name for name in comes_back(form) if form.fields[name][0] == "textarea"
    ] and "👧</textarea>" not in page:
        found.append(f"{form}: a long text was lost")
    if "seen" in sent and fields["seen"][1] != sent["seen"]:
        found.append(f"{form}: it forgot which state it had shown")
    return found


def post(person: Visitor, form: Form, data: dict[str, str]) -> tuple[int, str, str]:
    answer = person.post_bare(form.action, data, headers={**OURS, "Referer": f"http://localhost{form.page}"})
    return answer.status_code, answer.text, answer.location or ""


def test_stale_token_on_every_form_does_nothing_and_the_form_comes_back_as_it_was_typed(
    app: Flask, alice: User, admin: User, mine: dict[str, int]
) -> None:
    wrong, tried, before = [], 0, tenants.state()
    for user, form in all_forms(app, mine, alice, admin):
        person, sent = visit(app, user), sent_from(form)
        status, text, _ = post(person, form, {"csrf_token": "old", **sent})
        assert status == 400, form
        assert "This form was too old" in text
        assert "Nothing was changed" in text
        if comes_back(form):
            tried += 1
            assert "Open the form again" in text, form
            wrong += lost(form, sent, person.get(link(text, "Open the form again")).text)
        else:
            assert SECRET not in person.get(link(text, "Open the (?:page|form) again")).text
    assert tried >= 20
    assert wrong == []
    after = tenants.state()
    assert [name for name in before if before[name] != after[name] and name != "user_sessions"] == []


def test_session_that_ended_while_a_form_was_typed_costs_a_login_and_nothing_else_on_every_form(
    app: Flask, alice: User, admin: User, mine: dict[str, int]
) -> None:
    wrong, tried, before = [], 0, tenants.state()
    for user, form in all_forms(app, mine, alice, admin):
        person, sent = visit(app, user), sent_from(form)
        given = {"csrf_token": person.token(), **sent}
        end_session(person)
        status, _, login = post(person, form, given)
        assert status == 302, form
        assert login.startswith(("/login", "/wan-signin")), form
        if comes_back(form):
            tried += 1
            assert "Your session was over. Nothing was done." in person.get(login).text
            wrong += lost(form, sent, person.get(log_in_again(person, user, login)).text)
    assert tried >= 20
    assert wrong == []
    after = tenants.state()
    assert [name for name in before if before[name] != after[name] and name != "user_sessions"] == []


def end_session(person: Visitor) -> None:
    with person.client.session_transaction() as session:
        session["portal_session"] = "ended"


def log_in_again(person: Visitor, user: User, login: str) -> str:
    """Where the login leads; `test_login_…` below has the login itself."""
    with person.client.session_transaction() as session:
        sign_in(session, user)
    return parse_qs(urlsplit(login).query)["next"][0]


def test_page_when_nothing_is_filled_in_then_is_written_back_as_it_was(
    app: Flask, alice: User, admin: User, mine: dict[str, int]
) -> None:
    compared = 0
    for route in pages(app, mine):
        answer = visit(app, admin if route.is_admin else alice).get(route.path)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            compared += 1
            again = refill.refilled(answer.text, (route.path, "/nowhere"), [("name", "x")])
            listed = re.search(r'<div class="notice warn" role="status"><p>The form.*?</div>', again)
            assert listed, route
            assert again.replace(listed[0], "", 1) == answer.text, route
    assert compared >= 50


def form_token(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("second_factor", [False, True])
def test_form_left_open_overnight_comes_back_after_a_real_login_and_is_then_sent(
    app: Flask, bob: User, second_factor: bool
) -> None:
    """The cookie is gone, too: the browser has dropped it."""
    key = set_up(visit(app, bob)) if second_factor else ""
    person = visit(app)
    sent = {"csrf_token": "old", "name": "Careful", "market_type": "spot", "sizing_value": "3"}
    refused = person.post_bare("/presets/new", sent, headers=OURS)
    assert refused.status_code == 400
    assert "What you typed is kept for 15 minutes" in refused.text
    login = link(refused.text, "Log in again")
    given = {"csrf_token": form_token(person.get(login).text), "email": bob.email, "password": PASSWORD}
    answer = person.post_bare(login, given)
    if second_factor:
        code = {"csrf_token": form_token(person.get(answer.location).text), "code": code_of(key)}
        answer = person.post_bare(answer.location, code)
    assert urlsplit(answer.location).path == "/presets/new"
    page = person.get(answer.location)
    fields = next(form.fields for form in forms_in("/presets/new", page.text) if "name" in form.fields)
    assert (fields["name"][1], fields["sizing_value"][1]) == ("Careful", "3")
    assert world.count(TradingPreset) == 0
    again = {name: value for name, (_, value) in fields.items()}
    assert person.post_bare(urlsplit(answer.location).path, again).status_code == 302
    assert world.count(TradingPreset) == 1


FOREIGN = {
    "no word of where from": {},
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    "a neighbour": {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.localhost"},
    "typed address": {"Sec-Fetch-Site": "none"},
    "an old browser": {"Origin": "https://evil.example"},
    "an older one": {"Referer": "https://evil.example/presets/new"},
    "a look-alike": {"Referer": "http://localhost.evil.example/presets/new"},
    "our address as a name": {"Origin": "http://localhost@evil.example"},
    "its own word": {"Origin": "https://evil.example", "Referer": "http://localhost/presets/new"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("logged_in", [False, True])
def test_form_from_another_site_is_never_kept_and_offers_nothing_to_press(
    app: Flask, alice: User, headers: dict[str, str], logged_in: bool
) -> None:
    person = visit(app, alice if logged_in else None)
    answer = person.post_bare("/presets/new", {"csrf_token": "x", "name": "Mallory's"}, headers=headers)
    assert answer.status_code == 400
    assert "Nothing of it was kept" in answer.text
    assert "kept=" not in answer.text
    assert "Mallory" not in answer.text
    assert kept_in(app) == 0


def kept_in(app: Flask) -> int:
    return len(app.extensions["portal_redis"].keys("portal:held:?*"))


def keep(person: Visitor, name: str = "Careful") -> str:
    answer = person.post_bare("/presets/new", {"csrf_token": "x", "name": name}, headers=OURS)
    return link(answer.text, "Open the form again")


def test_kept_form_is_shown_to_the_browser_and_the_person_it_belongs_to_and_to_nobody_else(
    app: Flask, alice: User, bob: User
) -> None:
    person = visit(app, alice)
    address = keep(person)
    assert "Careful" in person.get(address).text
    # Somebody else who has the address, and somebody else at the same browser.
    assert "Careful" not in visit(app, alice).get(address).text
    assert "Careful" not in visit(app, bob).get(address).text
    with person.client.session_transaction() as session:
        sign_in(session, bob)
    assert "Careful" not in person.get(address).text


def test_kept_form_is_unreadable_in_redis_ends_and_is_there_for_every_tab(app: Flask, alice: User) -> None:
    person = visit(app, alice)
    addresses = {name: keep(person, name) for name in ("Tab one", "Tab two", "Tab three")}
    redis = app.extensions["portal_redis"]
    for key in redis.keys("portal:held:*"):
        assert b"Tab" not in redis.get(key)
        assert 0 < redis.ttl(key) <= 900
    for name, address in addresses.items():
        assert f'value="{name}"' in person.get(address).text
    redis.flushdb()
    page = person.get(addresses["Tab one"])
    assert page.status_code == 200
    assert "Tab one" not in page.text


def test_strangers_cannot_fill_the_memory_with_forms(app: Flask) -> None:
    long = {"csrf_token": "x", "name": "n" * 40_000}
    assert "kept=" not in visit(app).post_bare("/presets/new", long, headers=OURS).text
    assert kept_in(app) == 0
    statuses = set()
    for _ in range(30):
        data = {"csrf_token": "x", "name": "n"}
        statuses.add(visit(app).post_bare("/presets/new", data, headers=OURS).status_code)
    assert statuses == {400}
    # Two of them are the counts themselves.
    assert kept_in(app) == 20 + 2


@pytest.mark.usefixtures("redis_away")
def test_stale_form_while_redis_is_away_says_so_and_breaks_nothing(app: Flask, alice: User) -> None:
    answer = visit(app, alice).post_bare("/presets/new", {"csrf_token": "x", "name": "n"}, headers=OURS)
    assert answer.status_code == 400
    assert "may still be behind your browser" in unescape(answer.text)


def test_question_for_the_password_when_the_session_ends_under_it_then_the_form_behind_it_comes_back(
    app: Flask, bob: User
) -> None:
    person = visit(app, bob)
    with person.client.session_transaction() as session:
        session["fs_paa"] = 1.0
    token = person.token()
    asked = person.post_bare("/presets/new", {"csrf_token": token, "name": "Careful"}, headers=OURS)
    held = re.search(r'name="confirm_held" value="(\w+)"', asked.text)
    assert held
    end_session(person)
    confirmed = {"csrf_token": token, "confirm_held": held[1], "confirm_password": PASSWORD}
    answer = person.post_bare("/presets/new", confirmed, headers=OURS)
    page = person.get(log_in_again(person, bob, answer.location))
    assert 'value="Careful"' in page.text
    assert PASSWORD not in page.text
    assert world.count(TradingPreset) == 0


TWO = """<main>
<form method="post" action="/set"><input type="hidden" name="scope" value="one"><input name="why"></form>
<form method="post" action="/set"><input type="hidden" name="scope" value="two"><button>On</button></form>
<form method="post" action="/set"><input type="hidden" name="scope" value="two"><input name="why" value="old">
</form></main>"""


def test_form_that_looks_like_the_one_beside_it_is_not_filled_in_its_place() -> None:
    here = ("/page", "/set")
    page = refill.refilled(TWO, here, [("scope", "two"), ("why", "mine")])
    first, button, second = forms_in("/page", page)
    assert "why" not in button.fields
    assert (first.fields["why"][1], second.fields["why"][1]) == ("", "mine")
    neither = refill.refilled(TWO, here, [("scope", "three"), ("why", "<b>mine</b>")])
    assert [form.fields["why"][1] for form in forms_in("/page", neither)[::2]] == ["", "old"]
    assert "is not on this page any more" in neither
    assert "<dt>Why</dt><dd>&lt;b&gt;mine&lt;/b&gt;</dd>" in neither


def test_hidden_fields_and_secrets_are_never_filled_whatever_was_sent() -> None:
    page = (
        '<form method="post"><input type="hidden" name="csrf_token" value="new">'
        '<input type="hidden" name="seen"><input type="password" name="why"><input type="file" name="why">'
        '<input type="checkbox" name="box" value="a" checked><input type="checkbox" name="box" value="b">'
        '<select name="s"><option value="1" selected>1<option value="2">2</select>'
        '<textarea name="t">old &amp; gone</textarea></form>'
    )
    sent = [
        ("csrf_token", "old"),
        ("seen", "state"),
        ("why", "x"),
        ("box", "b"),
        ("s", "2"),
        ("t", "</textarea>"),
    ]
    page = refill.refilled(page, ("/page", "/page"), sent)
    assert 'name="csrf_token" value="new"' in page
    assert 'name="seen" value="state"' in page
    assert 'value="x"' not in page
    assert 'value="a">' in page
    assert 'value="b" checked>' in page
    assert '<option value="2" selected>' in page
    assert '<option value="1">' in page
    assert ">\n&lt;/textarea&gt;</textarea>" in page
