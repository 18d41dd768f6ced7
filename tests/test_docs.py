"""What the documents list is what the program has: nothing missing, nothing made up."""

import re
from dataclasses import fields
from pathlib import Path

from portal.config import Settings
from portal.trading import lifecycle_doc

DOCS = Path(__file__).parent.parent / "docs"


def settings_table() -> str:
    """The table of docs/configuration.md as it has to be, from the settings themselves."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for item in fields(Settings):
        meta = item.metadata
        name = f"`{meta['env']}`" + (f", `{meta['env']}_FILE`" if meta["secret"] else "")
        default = f"`{meta['default']}`" if meta["default"] else "none"
        rows.append(f"| {name} | {default} | {meta['doc']} |")
    return "\n".join(rows)


def test_configuration_page_has_exactly_the_settings_that_exist() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert settings_table() in page, f"put this table into docs/configuration.md:\n\n{settings_table()}"


def test_every_setting_named_anywhere_in_the_documents_exists() -> None:
    known = {item.metadata["env"] for item in fields(Settings)}
    known |= {f"{name}_FILE" for name in known}
    for page in [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]:
        named = set(re.findall(r"\bPORTAL_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
        assert named <= known, (
            f"{page.name} names settings that do not exist: {', '.join(sorted(named - known))}"
        )


def test_order_lifecycle_page_is_what_the_tables_say() -> None:
    page = (DOCS / "order-lifecycle.md").read_text(encoding="utf-8")
    assert page == lifecycle_doc.render(), (
        "run: python -m portal.trading.lifecycle_doc > docs/order-lifecycle.md"
    )
