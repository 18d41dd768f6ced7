"""Error pages for pictures: each is made to happen in the browser, none is drawn."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import make_server

from portal import create_app
from portal.config import Settings
from portal.services import demo_content

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
#: A page with a form for people who are logged in.
FORM = "/connections/new?exchange=sandbox"
Scene = Callable[[Page], object]
_SEND = "document.querySelector('main form').submit()"
_STALE = "document.querySelectorAll('[name=csrf_token]').forEach((each) => each.remove()); " + _SEND
_LARGE = "document.querySelector('main form [name=name]').value = 'x'.repeat(1100000); " + _SEND


def scenes(email: str, bug: str, away: str) -> Iterator[tuple[str, Scene]]:
    """What leads to each error page, by the name of its picture. `bug` and `away` are portals with one."""
    yield "error-404", lambda page: page.goto("/nowhere")
    yield "error-404-administration", lambda page: page.goto("/admin/nowhere")
    yield "error-405", lambda page: page.goto("/notifications/read")
    if not email:
        yield "error-429", _guess
        return
    yield "error-400", lambda page: _send(page, _STALE)
    yield "error-413", lambda page: _send(page, _LARGE)
    if email != demo_content.ADMIN:
        yield "error-403", lambda page: page.goto("/admin/")
    yield "error-500", lambda page: page.goto(f"{bug}/analytics")
    yield "error-503", lambda page: page.goto(f"{away}/positions")


@contextmanager
def failing_portals(settings: Settings) -> Iterator[tuple[str, str]]:
    """Beside the real one: a portal with a bug, and one without a database, both with its logins."""
    buggy = create_app(settings)
    buggy.view_functions["analytics.index"] = _break
    with _served(buggy) as bug, _served(create_app(replace(settings, database_url=NOWHERE))) as away:
        yield bug, away


@contextmanager
def _served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def _break() -> str:
    raise RuntimeError("a bug, for a picture")


def _send(page: Page, script: str) -> None:
    page.goto(FORM)
    with page.expect_navigation():
        page.evaluate(script)


def _guess(page: Page) -> None:
    for _ in range(6):
        page.goto("/login")
        page.fill("#email", "nobody@example.com")
        page.fill("#password", "not the password")
        page.click("main button")
        page.wait_for_load_state()
