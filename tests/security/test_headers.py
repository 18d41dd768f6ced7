"""What every answer carries, how every error looks, and where nobody is ever led."""

import re
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from portal.config import Settings
from portal.models import User
from tests.security.routes import Route, routes
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

#: Addresses that look like ours to somebody, and lead elsewhere.
ELSEWHERE = (
    "https://evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
    "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "http:evil.example", "https:/evil.example",
    "https:///evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
    "/%2f%2fevil.example", "/%5cevil.example", "%2f%2fevil.example", "http://localhost@evil.example",
    "http://localhost.evil.example", "http://evil.example#localhost", "http://evil.example?localhost",
    "//localhost@evil.example", "/%09/evil.example", "\u2028//evil.example", "http://[::1]@evil.example",
    "ftp://evil.example", "//evil.example/%2e%2e", "/..//evil.example", " https://evil.example",
    "https://evil\u3002example", "//evil%E3%80%82example", "\x00//evil.example", "/login/../\\evil.example",
)  # fmt: skip
FIRST_POLICY_WORDS = ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'self'")


def complaints(visitor: Visitor, route: Route, *, secure: bool) -> list[str]:
    headers = {"Content-Type": "text/plain"} if route.method != "GET" else {}
    answer = visitor.open(
        route.path, method=route.method, headers=headers,
        base_url="https://localhost" if secure else "http://localhost",
    )  # fmt: skip
    found, given = [], answer.headers
    policy = given.get("Content-Security-Policy", "")
    if not all(words in policy for words in FIRST_POLICY_WORDS) or "unsafe" in policy or "*" in policy:
        found.append(f"policy {policy!r}")
    expected = {
        "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
    }  # fmt: skip
    found += [f"{name} {given.get(name)!r}" for name, value in expected.items() if given.get(name) != value]
    if secure and "max-age=31536000" not in given.get("Strict-Transport-Security", ""):
        found.append("no Strict-Transport-Security")
    if "Access-Control-Allow-Origin" in given:
        found.append("lets other sites read it")
    if "html" in answer.content_type and re.search(r"<[^>]+\s(on\w+|style)=", answer.text):
        found.append("inline handler or style")
    return [f"{route} ({answer.status_code}): {each}" for each in found]


@pytest.mark.parametrize("who", ["stranger", "administrator"])
@pytest.mark.parametrize("secure", [False, True])
def test_s31_answer_of_every_route_has_every_header(
    app: Flask, admin: User, mine: dict[str, int], who: str, secure: bool
) -> None:
    visitor = visit(app, admin if who == "administrator" else None)
    asked = [route for route in routes(app, mine) if route.endpoint != "security.logout"]
    assert len(asked) > 200
    assert [each for route in asked for each in complaints(visitor, route, secure=secure)] == []


def test_s31_errors_and_unknown_addresses_have_every_header_too(app: Flask, admin: User) -> None:
    visitor = visit(app, admin)
    for path in (
        "/nowhere",
        "/admin/nowhere",
        "/api/v1/nowhere",
        "/hooks/nowhere",
        "/connections/999",
        "/%00",
    ):
        assert complaints(visitor, Route("GET", path, path, "", names_a_row=False), secure=True) == []


@pytest.mark.parametrize("name", ["next", "url", "return_url", "back", "return_to", "redirect"])
def test_s32_page_when_it_is_told_to_lead_elsewhere_does_not(
    app: Flask, admin: User, mine: dict[str, int], name: str
) -> None:
    visitor = visit(app, admin)
    form_token = visitor.token()
    odd = []
    asked = [route for route in routes(app, mine) if route.endpoint != "security.logout"]
    # One hostile address per route in turn: all of them, several times, without asking thousands of times.
    for place, route in enumerate(asked):
        if route.blueprint in {"api", "hooks", "ops", "rq_dashboard"}:
            continue
        hostile = ELSEWHERE[place % len(ELSEWHERE)]
        data = {"csrf_token": form_token, name: hostile} if route.method != "GET" else None
        answer = visitor.open(
            route.path.partition("?")[0],
            method=route.method,
            query_string=_query(route, name, hostile),
            data=data,
        )
        if not stays_here(answer.headers.get("Location", "/")):
            odd.append(f"{route}: {hostile!r} leads to {answer.headers['Location']!r}")
        if answer.status_code >= 500:
            odd.append(f"{route}: {hostile!r} is {answer.status_code}")
    assert odd == []


def stays_here(location: str) -> bool:
    """Where a browser goes: it drops control characters, and takes a backslash for a slash."""
    seen = re.sub(r"[\t\n\r]", "", location.strip("".join(map(chr, range(33))))).replace("\\", "/")
    target = urlsplit(urljoin("http://localhost/some/page", seen))
    return (target.scheme, target.netloc) == ("http", "localhost")


@pytest.mark.parametrize(
    "location", ["//evil.example", "/\\evil.example", "\t//evil.example", "https:evil.example"]
)
def test_s32_judge_knows_an_address_that_leads_elsewhere(location: str) -> None:
    assert not stays_here(location)


def _query(route: Route, name: str, value: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in route.path.partition("?")[2].split("&") if pair) | {name: value}


@pytest.mark.parametrize("hostile", ELSEWHERE)
def test_s32_login_leads_home_when_its_next_address_is_not_ours(app: Flask, hostile: str) -> None:
    from portal.services import users

    user, password = users.create_user("carol@example.org", "trader", actor="tests")
    visitor = visit(app)
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get("/login").text)[0]
    answer = visitor.open(
        "/login", method="POST", query_string={"next": hostile},
        data={"csrf_token": token, "email": user.email, "password": password, "next": hostile},
    )  # fmt: skip
    assert answer.status_code in {200, 302, 400, 422}
    assert stays_here(answer.headers.get("Location", "/")), answer.headers["Location"]


def break_every(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("canary-of-the-inside")

    for endpoint in app.view_functions:
        if endpoint.rpartition(".")[2] != "static":
            view = app.view_functions[endpoint]
            broken = type("Broken", (), {"__call__": staticmethod(fail)})()
            # What is asked before a view, such as its scope, is asked as ever.
            broken.__dict__.update(getattr(view, "__dict__", {}))
            broken.__name__ = endpoint
            monkeypatch.setitem(app.view_functions, endpoint, broken)


def test_s35_every_route_when_it_breaks_answers_with_a_number_and_nothing_of_the_inside(
    app: Flask,
    admin: User,
    mine: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from portal.models.token import SCOPES
    from portal.services import tokens

    token = tokens.create_token(admin, SCOPES, actor="tests")
    visitor = visit(app, admin)
    form_token = visitor.token()
    asked = routes(app, mine)
    break_every(app, monkeypatch)
    blueprints = set()
    for route in asked:
        data = {"csrf_token": form_token} if route.method != "GET" else None
        answer = visitor.open(
            route.path, method=route.method, data=data, headers={"Authorization": f"Bearer {token}"}
        )
        if route.blueprint == "security" and answer.status_code == 302:
            continue  # not for somebody who is logged in already: nothing of it ran
        assert answer.status_code == 500, route
        assert "canary-of-the-inside" not in answer.text
        assert "Traceback" not in answer.text
        assert "RuntimeError" not in answer.text
        reference = re.search(r"<code>([0-9a-f]{8})</code>|\"id\": ?\"([0-9a-f]{16})\"", answer.text)
        assert reference is not None, (route, answer.text)
        assert next(filter(None, reference.groups())) in caplog.text
        caplog.clear()
        blueprints.add(route.blueprint)
    assert blueprints >= {
        "home",
        "connections",
        "admin",
        "admin_signals",
        "rq_dashboard",
        "security",
        "api",
        "hooks",
    }


def test_s35_debug_mode_is_off_and_cannot_be_switched_on_by_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal import create_app

    for name in ("FLASK_DEBUG", "FLASK_ENV", "DEBUG", "FLASK_TESTING"):
        monkeypatch.setenv(name, "1")
    app = create_app(settings)
    assert not app.testing
    assert not app.config["PROPAGATE_EXCEPTIONS"]
    assert not app.debug
