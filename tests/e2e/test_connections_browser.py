"""Connections and presets in a real browser: what answers while somebody types, waits or checks a file."""

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from portal.db import db
from portal.models import ExecutionConnection, TradingPreset, User
from portal.services.connections import test_connection as run_test
from tests import world
from tests.e2e.conftest import OpenPage, log_in
from tests.people import person
from tests.services.desk import Desk
from tests.services.floor import desk, sandbox_server

__all__ = ["desk", "sandbox_server"]

HEADER = "name,exchange_name,type,mode,apiKey,secret\n"


@pytest.fixture
def boss(app: Flask) -> User:
    return person("boss@example.org", "admin")


def test_file_when_checked_then_is_kept_by_the_browser_and_imported_with_one_more_click(
    boss: User, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / "accounts.csv"
    keys = "canary-key-1,canary-secret-1"
    file.write_text(f"{HEADER}One,bybit,crypto,live,{keys}\nTwo,nowhere,crypto,live,{keys}\n")
    log_in(page, boss.email)
    page.goto("/admin/connections/")
    page.get_by_role("link", name="Import…").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check only").click()
    expect(page.get_by_text("1 of 2 connections can be imported, 1 cannot.")).to_be_visible()
    expect(page.get_by_role("cell", name="'nowhere' is not a known exchange")).to_be_visible()
    assert "canary" not in page.content()

    file.write_text(f"{HEADER}One,bybit,crypto,paper,,\nTwo,bybit,crypto,paper,,\n")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check only").click()
    expect(page.get_by_text("All 2 connections can be imported.")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("2 connections were imported.")).to_be_visible()
    assert world.count(ExecutionConnection) == 2

    page.get_by_label("All on this page").check()
    page.get_by_label("With the ticked ones").select_option("deactivate")
    page.get_by_role("button", name="Go on…").click()
    page.get_by_role("button", name="Switch off: 2 connections").click()
    expect(page.get_by_text("2 of 2 done.")).to_be_visible()


@pytest.mark.parametrize("path", ["/presets/new", "/admin/presets/new/"])
def test_preset_when_typed_then_the_example_and_the_reasons_follow(boss: User, page: Page, path: str) -> None:
    log_in(page, boss.email)
    page.goto(path)
    example = page.locator("#preset-example")
    expect(example).to_contain_text("would buy 0.0002 BTC for 10 USDT")
    size = page.get_by_label("Size", exact=True)
    size.fill("20")
    expect(example).to_contain_text("would buy 0.004 BTC for 200 USDT")
    size.fill("many")
    expect(example).to_contain_text("No example")
    expect(size).to_have_attribute("aria-invalid", "true")
    # Nobody was in the field of the name yet, so it is not called wrong.
    expect(page.get_by_text("A preset needs a name.")).to_have_count(0)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("A preset needs a name.")).to_be_visible()
    size.fill("25")
    page.get_by_label("Name", exact=True).fill("Bold")
    expect(example).to_contain_text("would buy 0.005 BTC for 250 USDT")
    expect(page.locator(".field-error")).to_have_count(0)
    assert world.count(TradingPreset) == 0


def test_connection_test_when_asked_for_then_its_steps_appear_without_a_reload(
    app: Flask, desk: Desk, boss: User, open_page: OpenPage
) -> None:
    connection = desk.account("alpha")
    connection.admin_id = boss.id
    db.session.commit()
    page = open_page(width=390, height=844, dark=True)
    log_in(page, boss.email)
    page.goto(f"/connections/{connection.id}")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("No worker is running, so nobody tests it.")).to_be_visible()
    page.evaluate("document.body.dataset.same = 'yes'")
    run_test(connection.id)
    expect(page.get_by_text("It works, and takes part in the next signal.")).to_be_visible()
    expect(page.get_by_text("the key may trade")).to_be_visible()
    assert page.evaluate("document.body.dataset.same") == "yes"
