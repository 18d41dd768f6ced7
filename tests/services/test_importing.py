"""Importing connections and presets: all or nothing."""

import time
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, transaction
from portal.errors import NotFoundError
from portal.models import AuditEntry, ExecutionConnection, TradingPreset, User
from portal.services import importing
from portal.services.importing import ImportResult
from portal.services.importing_rows import Row
from portal.trading.types import SizingMode, Visibility
from tests.world import count, make_admin, make_connection, make_user, save

pytestmark = pytest.mark.usefixtures("app")


def entry(name: str = "Main", **values: Any) -> dict[str, Any]:
    keys = {"apiKey": f"key of {name}", "secret": f"secret of {name}"}
    given = {"name": name, "exchange_name": "bybit", "type": "crypto", "mode": "paper", "credentials": keys}
    return given | values


def rows(*entries: Any) -> list[Row]:
    return [Row(line, data) for line, data in enumerate(entries, start=2)]


def load(*entries: Any, owner: User | None = None) -> ImportResult:
    return importing.import_connections(rows(*entries), owner=owner, actor="test")


def test_a_paper_connection_is_imported_without_credentials() -> None:
    without = {name: value for name, value in entry("paper").items() if name != "credentials"}

    result = load(without, owner=make_user("alice@example.com"))

    assert (result.added, result.problems) == (("paper",), ())
    made = db.session.scalars(sa.select(ExecutionConnection)).one()
    assert (made.mode.value, made.has_credentials()) == ("paper", False)


def test_a_thousand_connections_arrive_in_seconds_encrypted_and_ready() -> None:
    alice = make_user("alice@example.com")
    started = time.monotonic()

    result = load(*(entry(f"c{number}") for number in range(1000)), owner=alice)

    assert time.monotonic() - started < 10
    assert (len(result.added), result.problems) == (1000, ())
    assert count(ExecutionConnection) == 1000
    last = db.session.scalars(sa.select(ExecutionConnection).where(ExecutionConnection.name == "c999")).one()
    assert last.user_id == alice.id
    assert last.can_execute_trades()
    assert last.get_credentials() == {"apiKey": "key of c999", "secret": "secret of c999"}
    assert count(AuditEntry) == 1000


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"status": "active"}, "status"),
        ({"user_id": 1}, "user_id"),
        ({"credentials": None, "mode": "live"}, "credentials"),
        ({"credentials": None, "exchange_name": "sandbox"}, "credentials"),
        ({"credentials": {"apiKey": "a"}}, "credentials"),
        ({"credentials": ["a"]}, "credentials"),
        ({"exchange_name": "bogus"}, "exchange_name"),
        ({"preset": "nobody's"}, "preset"),
        ({"preset": 5}, "preset"),
        ({"mode": "demo"}, "mode"),
        ({"mode": None}, "mode"),
        ({"type": "fx"}, "type"),
        ({"type": None}, "type"),
        ({"name": None}, "name"),
        ({"is_admin_owned": "maybe"}, "is_admin_owned"),
        ({"is_admin_owned": True}, "is_admin_owned"),
        ({"settings": "x"}, "settings"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_imported(values: dict[str, Any], field: str) -> None:
    alice = make_user("alice@example.com")

    result = load(entry("good"), entry("bad") | values, entry("also good"), owner=alice)

    assert [(problem.line, problem.field) for problem in result.problems] == [(3, field)]
    assert result.added == ()
    assert count(ExecutionConnection) == count(AuditEntry) == 0


def test_every_bad_row_is_named_with_every_reason_and_no_secret() -> None:
    bad = entry("x", exchange_name="bogus", mode="z", credentials={"apiKey": "canary\x07", "secret": ""})
    result = importing.import_connections(
        [Row(2, None, "must be an object"), *rows(entry("a"))[1:], Row(9, bad)],
        owner=make_user("alice@example.com"), actor="test",
    )  # fmt: skip

    assert [(problem.line, problem.field) for problem in result.problems] == [
        (2, "the row"), (9, "exchange_name"), (9, "mode"), (9, "credentials"),
    ]  # fmt: skip
    assert "canary" not in str(result.problems)


def test_names_that_are_twice_in_the_file_or_taken_already_are_refused() -> None:
    alice = make_user("alice@example.com")
    make_connection(alice, "taken")

    result = load(entry("new"), entry(" new "), entry("taken"), owner=alice)

    assert [(problem.line, problem.field) for problem in result.problems] == [(3, "name"), (4, "name")]
    assert "line 2 already" in result.problems[0].reason
    assert count(ExecutionConnection) == 1


def test_the_same_name_may_belong_to_two_owners() -> None:
    admin, alice = make_admin(), make_user("alice@example.com")
    make_connection(admin, "Main")

    result = load(entry("Main"), owner=alice)

    assert result.added == ("Main",)


def test_admin_owned_rows_go_to_the_owner_if_an_administrator_else_to_the_first_one() -> None:
    first, second = make_admin("first@example.com"), make_admin("second@example.com")
    alice = make_user("alice@example.com")

    load(entry("a", is_admin_owned=True), entry("b"), owner=second)
    load(entry("c", is_admin_owned="true"), entry("d"), owner=alice)

    found = db.session.execute(
        sa.select(ExecutionConnection.name, ExecutionConnection.admin_id, ExecutionConnection.user_id)
    ).all()
    assert set(found) == {
        ("a", second.id, None), ("b", None, second.id), ("c", first.id, None), ("d", None, alice.id),
    }  # fmt: skip


def test_without_an_owner_rows_belong_to_the_only_administrator() -> None:
    admin = make_admin()

    load(entry("a"), entry("b", is_admin_owned=True))

    found = db.session.execute(sa.select(ExecutionConnection.name, ExecutionConnection.user_id)).all()
    assert set(found) == {("a", admin.id), ("b", None)}


def test_without_an_owner_and_with_two_administrators_a_row_must_say_whose_it_is() -> None:
    make_admin("first@example.com"), make_admin("second@example.com")

    result = load(entry("a"), entry("b", is_admin_owned=True))

    assert [problem.line for problem in result.problems] == [2]
    assert "--owner" in result.problems[0].reason
    assert count(ExecutionConnection) == 0


def test_a_preset_is_found_by_name_the_owners_own_first() -> None:
    alice, bob = make_user("alice@example.com"), make_user("bob@example.com")
    save(TradingPreset(name="P", owner_id=None))
    own = save(TradingPreset(name="P", owner_id=alice.id))
    save(TradingPreset(name="bobs", owner_id=bob.id))
    public = save(TradingPreset(name="public", owner_id=bob.id, visibility=Visibility.PUBLIC))

    load(entry("a", preset="P"), entry("b", preset="public"), owner=alice)
    refused = load(entry("c", preset="bobs"), owner=alice)

    assert set(db.session.scalars(sa.select(ExecutionConnection.preset_id))) == {own.id, public.id}
    assert [problem.field for problem in refused.problems] == ["preset"]


def test_a_deactivated_owner_gets_nothing() -> None:
    alice = make_user("alice@example.com")
    with transaction() as session:
        session.get_one(User, alice.id).active = False

    with pytest.raises(NotFoundError):
        load(entry("a"), owner=alice)

    assert count(ExecutionConnection) == 0


def test_progress_counts_every_row() -> None:
    seen: list[tuple[int, int]] = []

    importing.import_connections(
        rows(entry("a"), entry("b")),
        owner=make_user("alice@example.com"), actor="test", progress=lambda *step: seen.append(step),
    )  # fmt: skip

    assert seen == [(1, 2), (2, 2)]


def test_presets_are_added_then_updated_as_a_whole() -> None:
    first = importing.import_presets(
        rows(
            {"name": "A", "sizing_mode": "fixed", "sizing_value": "0.5", "max_open_positions": 3},
            {"name": "B"},
        ),
        actor="test",
    )
    second = importing.import_presets(rows({"name": "A", "sizing_value": "2"}), actor="test")

    assert (first.added, first.updated) == (("A", "B"), ())
    assert (second.added, second.updated) == ((), ("A",))
    preset = db.session.scalars(sa.select(TradingPreset).where(TradingPreset.name == "A")).one()
    assert (preset.sizing_mode, preset.sizing_value) == (SizingMode.PERCENTAGE, Decimal(2))
    assert preset.max_open_positions is None
    assert (preset.owner_id, preset.visibility) == (None, Visibility.PUBLIC)
    assert count(TradingPreset) == 2


def test_a_preset_survives_the_way_into_the_database_and_back() -> None:
    given = {
        "name": "All of it", "description": "x", "order_type": "limit", "time_in_force": "IOC",
        "market_type": "swap",
        "leverage": "3", "margin_mode": "isolated", "max_slippage_bps": "50", "max_signal_age_seconds": 30,
        "sizing_mode": "risk_percent", "sizing_value": "1.5", "min_notional": "10", "max_notional": "1000.5",
        "stop_loss_mode": "percent", "stop_loss_value": "2",
        "take_profits": [{"mode": "r_multiple", "value": "2", "close_fraction": "0.5"}],
        "break_even_at_r": "1", "trailing_stop_percent": "1", "trailing_activation_percent": "2",
        "max_open_positions": 5, "max_positions_per_symbol": 1, "max_daily_loss_percent": "4",
        "allowed_symbols": ["BTC/USDT"], "blocked_symbols": ["ETH/USDT"],
        "trading_hours": {"days": ["mon"], "start": "09:00", "end": "17:00", "timezone": "Europe/Berlin"},
        "when_unprotected": "close",
    }  # fmt: skip

    result = importing.import_presets(rows(given), actor="test")

    assert result.problems == ()
    stored = db.session.scalars(sa.select(TradingPreset)).one().rules().to_dict()
    assert stored == stored | given
    distances = {"trailing_stop_distance": "150.5", "trailing_activation_distance": "20"}
    assert importing.import_presets(rows({"name": "All of it"} | distances), actor="test").problems == ()
    stored = db.session.scalars(sa.select(TradingPreset)).one().rules().to_dict()
    assert stored == stored | distances


def test_a_bad_preset_is_named_and_neither_added_nor_updated() -> None:
    importing.import_presets(rows({"name": "A"}), actor="test")

    result = importing.import_presets(
        rows({"name": "A", "sizing_value": "5"}, {"name": "B", "color": 1, "leverage": "-1"}, {"name": "A"}),
        actor="test",
    )

    assert {(problem.line, problem.field) for problem in result.problems} == {
        (3, "color"), (3, "leverage"), (4, "name"),
    }  # fmt: skip
    assert "max_slippage_bps" in next(
        problem.reason for problem in result.problems if problem.field == "color"
    )
    assert db.session.scalars(sa.select(TradingPreset.sizing_value)).all() == [Decimal(1)]


def test_every_imported_connection_is_checked_within_minutes(app: Flask) -> None:
    load(entry("a"), entry("b"), owner=make_user("alice@example.com"))
    wanted = set(db.session.scalars(sa.select(ExecutionConnection.id)))

    queued = app.extensions["portal_redis"].zrange("rq:scheduled:default", 0, -1)

    assert {int(job.decode().split("-")[2]) for job in queued} == wanted
    assert len(wanted) == 2


def test_a_refused_import_asks_for_no_check(app: Flask) -> None:
    load(entry("a"), entry("a"), owner=make_user("alice@example.com"))

    assert app.extensions["portal_redis"].zcard("rq:scheduled:default") == 0


def test_a_mere_check_says_what_would_be_imported_and_stores_nothing() -> None:
    alice = make_user("alice@example.com")

    checked = importing.import_connections(
        rows(entry("a"), entry("b")), owner=alice, actor="test", check_only=True
    )

    assert (checked.added, checked.problems) == (("a", "b"), ())
    assert count(ExecutionConnection) == count(AuditEntry) == 0
    load(entry("a"), owner=alice)
    assert not importing.imported_before(
        rows(entry("a"), entry("b")), load(entry("a"), entry("b"), owner=alice)
    )
    assert importing.imported_before(rows(entry("a")), load(entry("a"), owner=alice))
