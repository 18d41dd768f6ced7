"""A real browser against a real server: `live_server`, `browser`, `page`. Everything on loopback."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.db import db
from tests.people import PASSWORD, admin, alice

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["admin", "alice"]

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Milliseconds that a page may take on a busy machine. Nothing waits longer than it has to.
PATIENCE = 60_000


class _Handler(WSGIRequestHandler):
    #: Seconds for which a connection may say nothing: browsers open some in advance.
    timeout = 10


def _at_once(app: Flask) -> "WSGIApplication":
    """`app`, with every answer ready before its first byte is sent. The development server forgets to close
    an answer, and with it a file, when the browser hangs up in the middle."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        parts = app(environ, start_response)
        try:
            return [b"".join(parts)]
        finally:
            if hasattr(parts, "close"):
                parts.close()

    return answer


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """The address of the application under test, served to browsers."""
    server = make_server("127.0.0.1", 0, _at_once(app), threaded=True, request_handler=_Handler)
    # Every answer is finished before the server is gone, also one that no page waits for any more.
    server.daemon_threads = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Complaints:
    """What the browser's console said: errors, warnings, violations of the content security policy."""

    lines: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.lines.append(f"{page.url}: {error}"))
        page.on("requestfailed", self._note_request)

    def _note_request(self, request: Request) -> None:
        # Leaving a page aborts what it was still loading; that is no fault of the page.
        if request.failure != "net::ERR_ABORTED":
            self.lines.append(f"{request.url}: {request.failure}")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.lines.append(f"{message.page.url if message.page else ''}: {message.text}")


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, live_server: str, complaints: Complaints) -> Iterator[OpenPage]:
    """`open_page(width=390, height=844, dark=True)`: a page in a fresh browser profile. A complaint in its
    console fails the test."""
    contexts = []

    def make(*, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=live_server,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints.lines == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A wide, light page."""
    return open_page()


def log_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/login" not in url)
    # What the test has read so far ends here: no transaction is open while the browser takes its time.
    db.session.rollback()
