"""`import-connections` and `import-presets`."""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionConnection, TradingPreset
from tests.commands.conftest import Portal
from tests.world import count, make_admin, make_user


def entry(name: str, **values: Any) -> dict[str, Any]:
    keys = {"apiKey": "canary-key", "secret": "canary-secret"}
    given = {"name": name, "exchange_name": "bybit", "type": "crypto", "mode": "paper", "credentials": keys}
    return given | values


def written(tmp_path: Path, name: str, content: object) -> str:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    return str(path)


def test_connections_of_a_json_file_belong_to_the_owner(portal: Portal, tmp_path: Path) -> None:
    alice_id = make_user("alice@example.com").id
    path = written(tmp_path, "a.json", [entry("one"), entry("two")])

    ran = portal("import-connections", path, "--owner", "Alice@example.com")

    assert (ran.code, ran.stdout) == (0, "Imported 2 connections.\n")
    db.session.rollback()
    assert db.session.scalars(sa.select(ExecutionConnection.user_id)).all() == [alice_id] * 2


def test_connections_of_a_csv_file_without_an_owner_belong_to_the_administrator(
    portal: Portal, tmp_path: Path
) -> None:
    make_admin()
    text = "name,exchange_name,type,mode,apiKey,secret,is_admin_owned\none,bybit,crypto,paper,k,s,true\n"

    ran = portal("import-connections", written(tmp_path, "a.csv", text), "--json")

    assert ran.json == {"imported": 1, "updated": 0, "errors": []}
    db.session.rollback()
    assert db.session.scalars(sa.select(ExecutionConnection.is_admin_owned)).all() == [True]


def test_a_bad_row_fails_with_its_line_and_reason_and_imports_nothing(portal: Portal, tmp_path: Path) -> None:
    make_admin()
    path = written(tmp_path, "a.json", [entry("one"), entry("two", exchange_name="bogus", colour="red")])

    ran = portal("import-connections", path)
    as_json = portal("import-connections", path, "--json")

    assert (ran.code, as_json.code) == (1, 1)
    assert ran.stdout == ""
    assert "a.json, line 12: exchange_name 'bogus' is not a known exchange" in ran.stderr
    assert "a.json, line 12: colour is not a known field" in ran.stderr
    assert "Nothing was imported: 1 rows" in ran.stderr
    found = {(error["line"], error["field"]) for error in as_json.json["errors"]}
    assert found == {(12, "colour"), (12, "exchange_name")}
    assert "canary" not in ran.stderr + as_json.stdout + as_json.stderr
    assert count(ExecutionConnection) == 0


def test_a_broken_file_and_an_unknown_owner_are_one_sentence(portal: Portal, tmp_path: Path) -> None:
    broken = portal("import-connections", written(tmp_path, "a.json", '[{"name": "one"}'))
    owner = portal(
        "import-connections", written(tmp_path, "b.json", [entry("one")]), "--owner", "x@example.com"
    )

    assert (broken.code, owner.code) == (1, 1)
    assert broken.stderr.startswith("Error: The file is not JSON: line 1, column 17")
    assert owner.stderr.startswith("Error: There is no user x@example.com")
    assert count(ExecutionConnection) == 0


def test_presets_are_imported_and_updated(portal: Portal, tmp_path: Path) -> None:
    path = written(tmp_path, "p.json", [{"name": "A", "sizing_value": 0.25}, {"name": "B"}])

    first, second = portal("import-presets", path), portal("import-presets", path)

    assert (first.code, first.stdout) == (0, "Imported 2 presets.\n")
    assert (second.code, second.stdout) == (0, "Imported 0 presets, updated 2.\n")
    assert count(TradingPreset) == 2


def test_an_unknown_preset_field_lists_the_known_ones(portal: Portal, tmp_path: Path) -> None:
    ran = portal("import-presets", written(tmp_path, "p.json", [{"name": "A", "size": 1}]))

    assert ran.code == 1
    assert (
        "p.json, line 2: size is not a known field; the known ones are name, description, order_type"
        in ran.stderr
    )
    assert count(TradingPreset) == 0


def test_presets_from_csv_are_misuse(portal: Portal, tmp_path: Path) -> None:
    assert portal("import-presets", written(tmp_path, "p.csv", "name\n")).code == 2
