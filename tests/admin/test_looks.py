"""How lists and details read: long sentences in two lines, no empty facts, a menu in groups."""

import re

from portal.models import User
from portal.trading.types import ConnectionStatus
from tests import world
from tests.visiting import Visitor

LONG = "The exchange <refused> the key." * 8


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page, re.S))


def test_long_sentence_when_listed_then_opens_by_keyboard_and_is_whole_in_the_details(
    visitor: Visitor, trader: User
) -> None:
    world.make_connection(trader, status=ConnectionStatus.ERROR, last_error=LONG)
    listed = visitor.get("/admin/connections/").text
    whole = LONG.replace("<", "&lt;").replace(">", "&gt;")
    assert f'<details class="long"><summary title="{whole}">{whole}</summary></details>' in listed
    assert facts(visitor.get("/admin/connections/details/?id=1").text)["Last error"] == whole


def test_short_sentence_when_listed_then_stands_there_without_a_lid(visitor: Visitor, trader: User) -> None:
    world.make_connection(trader, status=ConnectionStatus.ERROR, last_error="Refused.")
    listed = visitor.get("/admin/connections/").text
    assert "Refused." in listed
    assert '<details class="long">' not in listed


def test_details_when_facts_are_empty_then_are_left_out_and_what_tells_something_is_named(
    visitor: Visitor, trader: User
) -> None:
    world.make_connection(trader, "Fresh", last_tested_at=None, last_used_at=None, key_expires_at=None)
    page = visitor.get("/admin/connections/details/?id=1").text
    shown = facts(page)
    assert shown["Name"] == "Fresh"
    assert "Key expires at" not in page
    assert not [name for name, value in shown.items() if "–" in value]
    absent = re.search(r"None: ([^<]+)\.</p>", page)
    assert absent is not None
    assert {"Last test", "Last used"} <= set(absent[1].split(", "))
    assert not set(absent[1].split(", ")) & set(shown)


def test_menu_when_a_page_is_open_then_its_entry_alone_is_marked_in_its_group(visitor: Visitor) -> None:
    page = visitor.get("/admin/jobs/").text
    menu = page[page.index('id="admin-menu"') : page.index("</nav>", page.index('id="admin-menu"'))]
    assert re.findall(r'<a href="([^"]+)" aria-current="page"', menu) == ["/admin/jobs/"]
    groups = re.findall(r'<h2 class="side-title"[^>]*>([^<]+)</h2>', menu)
    assert groups == ["Needs you", "Trading", "Accounts", "People", "Machine"]
