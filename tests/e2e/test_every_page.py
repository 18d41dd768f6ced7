"""Every page there is, in a real browser: wide and on a phone, light and dark. It fits, everybody can read
it, axe finds nothing that matters, and the console stays empty; breaches of the policy would show there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import Page

from portal.db import db
from portal.models import ExecutionConnection, User
from portal.services import signals
from portal.trading.types import ConnectionStatus, ExecutionStatus
from tests import world
from tests.e2e.axe import findings
from tests.e2e.conftest import OpenPage, log_in
from tests.e2e.pages import pages
from tests.e2e.test_unresolved_browser import doubt
from tests.people import person
from tests.security.tenants import settle

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
#: Pages that look different with something in the address.
OTHERS = ("/executions?status=unresolved", "/positions?show=all", "/welcome?exchange=bybit")
#: What reaches over the right edge of a page that can be moved sideways.
TOO_WIDE = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > wide)
    .map((each) => each.outerHTML.slice(0, 100));
}"""


#: Beside a wide page: what of the menu and of the tables is not in view.
CUT = """() => [
  ...[...document.querySelectorAll('.side')].filter((each) => each.scrollHeight > each.clientHeight),
  ...[...document.querySelectorAll('.table-wrap')].filter((each) => each.scrollWidth > each.clientWidth),
].map((each) => `${each.className} needs ${each.scrollWidth} by ${each.scrollHeight} px, but has ` +
  `${each.clientWidth} by ${each.clientHeight}`)"""


@dataclass(frozen=True)
class Inhabited:
    """Two people with something on every page of theirs."""

    admin: User
    alice: User
    ids: dict[str, int]


@pytest.fixture
def inhabited(app: Flask) -> Inhabited:
    admin, alice = person("admin@example.org", "admin"), person("alice@example.org", "trader")
    doubt(admin)
    ids = settle(alice, admin, "Example") | {"order_id": 1}
    signal = world.make_signal(admin, plans=[world.make_plan("Gold", alice)])
    world.make_execution(signal, broken(alice), status=ExecutionStatus.UNRESOLVED)
    signals.publish(signal.id, actor=admin)
    return Inhabited(admin, alice, ids)


def broken(owner: User) -> ExecutionConnection:
    return world.make_connection(
        owner, "A rather long name", status=ConnectionStatus.ERROR, last_error="Refused. " * 20
    )


def complaints_of(page: Page, path: str) -> Iterator[str]:
    """Open it once and look at it four ways."""
    answer = page.goto(path, wait_until="load")
    assert answer is not None
    assert answer.status == 200, path
    for name, size in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            show(page, scheme)
            rules = () if scheme == "light" else ("color-contrast",)
            yield from (f"{path} {name} {scheme}: {line}" for line in findings(page, *rules))
        if size is WIDE:
            yield from (f"{path}: {each}" for each in page.evaluate(CUT))
        yield from (f"{path} {name}: too wide: {each}" for each in page.evaluate(TOO_WIDE))


def show(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


def walk(page: Page, paths: list[str]) -> str:
    # No transaction is left open while the browser takes its time.
    db.session.rollback()
    return "\n".join(line for path in paths for line in complaints_of(page, path))


@pytest.mark.timeout(900)
def test_page_of_the_administration_when_opened_then_fits_is_accessible_and_breaks_no_policy(
    app: Flask, inhabited: Inhabited, open_page: OpenPage
) -> None:
    paths = [path for path in pages(app, inhabited.ids, inhabited.admin) if path.startswith("/admin/")]
    assert len(paths) > 55
    page = open_page()
    log_in(page, inhabited.admin.email)
    assert walk(page, paths) == ""


@pytest.mark.timeout(600)
def test_page_of_an_owner_when_opened_then_fits_is_accessible_and_breaks_no_policy(
    app: Flask, inhabited: Inhabited, open_page: OpenPage
) -> None:
    paths = [*pages(app, inhabited.ids, inhabited.alice), *OTHERS]
    assert len(paths) > 25
    page = open_page()
    log_in(page, inhabited.alice.email)
    assert walk(page, paths) == ""


def test_page_for_strangers_when_opened_then_fits_is_accessible_and_breaks_no_policy(
    app: Flask, inhabited: Inhabited, open_page: OpenPage
) -> None:
    paths = list(pages(app, inhabited.ids, None))
    assert "/login" in paths
    assert walk(open_page(), paths) == ""


def test_axe_when_a_page_is_spoilt_then_finds_it(inhabited: Inhabited, page: Page) -> None:
    log_in(page, inhabited.admin.email)
    page.goto("/admin/signals/new/")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(190, 190, 190)'")
    page.evaluate("document.querySelectorAll('label').forEach((label) => label.remove())")
    found = {line.split()[0] for line in findings(page)}
    assert found >= {"color-contrast", "label"}
