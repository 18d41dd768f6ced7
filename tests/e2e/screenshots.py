"""`make screenshots`: pictures of every page, wide and on a phone, light and dark, with a past on them.

`python -m tests.e2e.screenshots [DIRECTORY] [--only TEXT]`. The few in docs/pictures are chosen from these.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from portal import create_app
from portal.db import db
from portal.models import User
from portal.services import demo_content, users
from tests.e2e import showcase
from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.e2e.error_scenes import Scene, failing_portals
from tests.e2e.error_scenes import scenes as error_scenes
from tests.e2e.house import House, house
from tests.e2e.pages import pages
from tests.people import PASSWORD

SCREENS: dict[str, ViewportSize] = {
    "wide": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: What a draft looks like; the signal of the other pages is published.
DRAFT = ("/admin/signals/details/?id=1", "/admin/signals/preview/1", "/admin/signals/publish/1")
#: A page that never ends is cut here.
TALLEST = 4000


def main() -> None:
    options = _options()
    with house(PORTAL_LOG_LEVEL="ERROR") as opened, sync_playwright() as playwright:
        print("A portal with a past is made; this takes a minute …", flush=True)
        ids = showcase.fill(opened)
        app = create_app(opened.here.settings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        made = 0
        for folder, email in _people():
            user = users.find_user(email) if email else None
            paths = [path for path in _paths(app, ids, user) if options.only in path]
            db.session.rollback()
            made += _take(browser, opened, email, paths, options.directory / folder)
        if options.only in "error":
            with failing_portals(opened.here.settings) as (bug, away):
                for folder, email in _people():
                    found = error_scenes(email, bug, away)
                    made += _take_errors(browser, opened, email, found, options.directory / folder)
        browser.close()
    print(f"{made} pictures are in {options.directory}/")


def _people() -> Iterator[tuple[str, str]]:
    yield "stranger", ""
    yield "owner", demo_content.ALICE
    yield "admin", demo_content.ADMIN


def _paths(app: Flask, ids: dict[str, int], user: User | None) -> list[str]:
    is_admin = user is not None and user.is_admin
    found = [path for path in pages(app, ids, user) if path.startswith("/admin/") == is_admin]
    return [*found, *(DRAFT if is_admin else ()), *([f"/executions/{ids['story_id']}"] if is_admin else ())]


def _take(browser: Browser, opened: House, email: str, paths: list[str], folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(base_url=opened.base)
    page = context.new_page()
    if email:
        _log_in(page, email)
    for path in paths:
        page.goto(path, wait_until="load")
        names = list(_pictures(page, _stem(path), folder))
        print(f"{folder.name:8} {path}  →  {', '.join(names)}", flush=True)
    context.close()
    return len(paths) * len(SCREENS) * len(SCHEMES)


def _take_errors(
    browser: Browser, opened: House, email: str, found: Iterator[tuple[str, Scene]], folder: Path
) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(base_url=opened.base)
    page = context.new_page()
    if email:
        _log_in(page, email)
    made = 0
    for stem, happen in found:
        happen(page)
        made += len(list(_pictures(page, stem, folder)))
        print(f"{folder.name:8} {stem}", flush=True)
    context.close()
    return made


def _log_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda url: "/login" not in url)


def _stem(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", path.removeprefix("/admin/").lower()).strip("-") or "home"


def _pictures(page: Page, stem: str, folder: Path) -> Iterator[str]:
    for screen, size in SCREENS.items():
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            name = f"{stem}-{screen}-{scheme}.png"
            height = min(int(page.evaluate("document.documentElement.scrollHeight")), TALLEST)
            clip = {"x": 0, "y": 0, "width": size["width"], "height": max(height, size["height"])}
            page.screenshot(path=folder / name, full_page=True, clip=clip)  # type: ignore[arg-type]
            yield name


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("screenshots"))
    parser.add_argument("--only", default="", help="pages with this text in their address")
    return parser.parse_args()


if __name__ == "__main__":
    main()
