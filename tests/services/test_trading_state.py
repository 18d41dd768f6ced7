"""The switches: who sets what, and which one counts."""

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from portal.db import db
from portal.errors import NotFoundError, ValidationError
from portal.models import AuditEntry, Notification, TradingState
from portal.services import trading_state
from portal.trading.types import NotificationType, TradingStateValue
from tests.world import count, make_admin, make_connection, make_user

pytestmark = pytest.mark.usefixtures("app")

HALTED, REDUCING, ACTIVE = TradingStateValue.HALTED, TradingStateValue.REDUCING, TradingStateValue.ACTIVE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("everything", ("everything", "")),
        (" Exchange:bybit", ("exchange", "bybit")),
        ("symbol:BTC/USDT:USDT", ("symbol", "BTC/USDT:USDT")),
        ("user:a@b.c", ("user", "a@b.c")),
    ],
)
def test_a_scope_is_read_as_it_is_written(text: str, expected: tuple[str, str]) -> None:
    assert trading_state.parse_scope(text) == expected


@pytest.mark.parametrize("text", ["", "all", "exchange", "exchange:", "everything:x", "planet:mars"])
def test_a_scope_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        trading_state.parse_scope(text)


@pytest.mark.parametrize("scope", ["everything", "user", "exchange", "connection", "symbol"])
def test_a_switch_in_any_scope_stops_the_connection_it_matches(scope: str) -> None:
    alice = make_user("alice@example.com")
    mine, other = (
        make_connection(alice),
        make_connection(make_user("bob@example.com"), exchange_name="kraken"),
    )
    keys = {
        "everything": "", "user": "alice@example.com", "exchange": "SANDBOX", "connection": str(mine.id),
        "symbol": "btc/usdt",
    }  # fmt: skip

    trading_state.set_state(scope, keys[scope], HALTED, "storm", actor="test")

    assert trading_state.effective(mine, "BTC/USDT:USDT") is HALTED
    spared = ACTIVE if scope in {"user", "exchange", "connection"} else HALTED
    assert trading_state.effective(other, "BTC/USDT") is spared
    if scope == "symbol":
        assert trading_state.effective(mine, "ETH/USDT") is ACTIVE


def test_the_most_restrictive_switch_counts_and_is_asked_for_in_one_query() -> None:
    mine = make_connection(make_user("alice@example.com"))
    trading_state.set_state("everything", "", REDUCING, actor="test")
    trading_state.set_state("exchange", "sandbox", HALTED, actor="test")
    trading_state.set_state("connection", str(mine.id), ACTIVE, actor="test")
    mine.owner_id, mine.exchange_name  # noqa: B018 - loaded before counting
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert trading_state.effective(mine, "BTC/USDT") is HALTED
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(statements) == 1

    trading_state.set_state("exchange", "sandbox", ACTIVE, actor="test")
    assert trading_state.effective(mine, "BTC/USDT") is REDUCING


def test_setting_a_switch_twice_keeps_one_row_and_two_entries() -> None:
    admin = make_admin("root@example.com")
    trading_state.set_state("everything", "", HALTED, "first", actor=admin)
    row = trading_state.set_state("everything", "", ACTIVE, "over", actor=admin)

    assert (row.state, row.reason, row.set_by) == (ACTIVE, "over", "root@example.com")
    assert count(TradingState) == 1
    assert count(AuditEntry) == 2


def test_the_people_concerned_and_the_administrators_are_told() -> None:
    alice = make_user("alice@example.com")
    connection = make_connection(alice)

    trading_state.set_state("connection", str(connection.id), HALTED, "key leaked", actor="test")

    told = db.session.execute(sa.select(Notification.user_id, Notification.type, Notification.body)).all()
    assert set(told) == {
        (None, NotificationType.HALT, "key leaked"),
        (alice.id, NotificationType.HALT, "key leaked"),
    }


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        ("connection", "77"),
        ("user", "nobody@example.com"),
        ("user", "5"),
        ("connection", "9" * 30),
        ("connection", "x"),
    ],
)
def test_a_switch_for_somebody_unknown_is_not_set(scope: str, key: str) -> None:
    with pytest.raises(NotFoundError):
        trading_state.set_state(scope, key, HALTED, actor="test")

    assert count(TradingState) == count(AuditEntry) == count(Notification) == 0


@pytest.mark.parametrize(
    ("scope", "key"), [("planet", "mars"), ("everything", "x"), ("exchange", " "), ("symbol", "BTC")]
)
def test_a_key_that_cannot_be_meant_is_refused(scope: str, key: str) -> None:
    with pytest.raises(ValidationError):
        trading_state.set_state(scope, key, HALTED, actor="test")

    assert count(TradingState) == 0


def test_switches_that_are_not_active_are_listed_as_they_are_written() -> None:
    trading_state.set_state("everything", "", ACTIVE, actor="test")
    trading_state.set_state("symbol", "BTC/USDT", REDUCING, actor="test")

    assert trading_state.restrictions() == {"symbol:BTC/USDT": "reducing"}
