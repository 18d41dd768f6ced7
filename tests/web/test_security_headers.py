"""What every answer carries, and what people see when something goes wrong."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from portal.config import Settings
from tests.visiting import Visitor


@pytest.mark.parametrize(
    "path", ["/login", "/", "/change", "/nowhere", "/admin/", "/static/portal.css", "/healthz"]
)
def test_answer_when_given_then_has_the_policy_and_its_companions(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["Content-Security-Policy"]
    for part in (
        "default-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    if path.startswith("/static/"):
        assert "max-age" in headers["Cache-Control"]
    else:
        assert headers["Cache-Control"] == "no-store"


def test_nonce_when_two_pages_are_read_then_is_different_and_in_the_page(visitor: Visitor) -> None:
    nonces = set()
    for _ in range(2):
        response = visitor.get("/change")
        nonce = response.headers["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
        assert f'nonce="{nonce}"' in response.text
        nonces.add(nonce)
    assert len(nonces) == 2


def test_page_when_read_then_has_no_inline_handler_style_or_outside_address(visitor: Visitor) -> None:
    for path in ("/login", "/change", "/tf-setup", "/nowhere"):
        text = visitor.get(path).text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "https://" not in text


def test_s10_https_when_configured_then_cookies_and_transport_are_strict(settings: Settings) -> None:
    from portal import create_app

    app = create_app(replace(settings, public_url="https://portal.example"))
    response = visit_outside(app).get("/login", base_url="https://portal.example")
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal=")
    assert "Secure" in cookie


def visit_outside(app: Flask):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return app.test_client()


def test_s41_forwarded_address_when_no_proxy_is_trusted_is_ignored(app: Flask, settings: Settings) -> None:
    from portal import create_app

    seen = []
    for proxies in (0, 1):
        other = create_app(replace(settings, trusted_proxies=proxies))
        other.before_request(lambda: seen.append(__import__("flask").request.remote_addr))
        other.test_client().get("/login", headers={"X-Forwarded-For": "203.0.113.7"})
    assert seen == ["127.0.0.1", "203.0.113.7"]


@contextlib.contextmanager
def broken(app: Flask) -> Iterator[None]:
    view = app.view_functions["security.change_password"]

    def fail() -> None:
        raise RuntimeError("the secret detail")

    app.view_functions["security.change_password"] = fail
    try:
        yield
    finally:
        app.view_functions["security.change_password"] = view


def test_page_when_it_breaks_then_the_answer_has_a_reference_and_no_detail(
    app: Flask, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    with broken(app):
        response = visitor.get("/change")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text
    reference = response.text.partition("<code>")[2].partition("</code>")[0]
    assert reference
    assert reference in caplog.text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nowhere", 404, "There is nothing here"),
        ("/admin/", 403, "not for your account"),
        ("/logout", 405, "does not work that way"),
    ],
)
def test_error_page_when_shown_then_says_what_happened(
    visitor: Visitor, path: str, status: int, words: str
) -> None:
    response = visitor.get(path)
    assert response.status_code == status
    assert words in response.text
    assert "<h1>" in response.text


def test_form_when_its_token_is_missing_then_the_page_says_what_to_do(visitor: Visitor) -> None:
    response = visitor.post_bare("/change", {"password": "x"})
    assert response.status_code == 400
    assert "Nothing was changed" in response.text


def test_body_when_larger_than_a_megabyte_then_is_refused(visitor: Visitor) -> None:
    response = visitor.post_bare("/change", {"password": "x" * 1_100_000})
    assert response.status_code == 413
    assert "larger than 1 MB" in response.text
