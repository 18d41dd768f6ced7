"""The audit trail: nothing of it can be changed, and a change past the application is found."""

import logging
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.config import Settings
from portal.db import db, transaction
from portal.models import AuditEntry, AuditHead, Notification, User
from portal.services import audit, audit_chain, audit_orders
from portal.services.health_checks_audit import check_audit
from tests import world
from tests.admin.test_rules import PRESET
from tests.helpers import at_once
from tests.services.desk import Desk
from tests.visiting import Visitor, visit

CONNECTION = {
    "name": "Mine", "exchange_name": "bybit", "mode": "paper", "preset": "", "apiKey": "k" * 20,
    "secret": "s" * 20,
}  # fmt: skip


def write(*actions: str, actor: audit.Actor = "tests") -> None:
    """One transaction with an entry for each of `actions`."""
    with transaction():
        for action in actions:
            audit.record(actor, action, "thing", 1, words="ä\n\"'\\ <b> = 😀", number=0.1, nothing=None)


def tamper(statement: str) -> None:
    """Do what somebody with the database's own password can do."""
    with db.engine.begin() as link:
        link.exec_driver_sql("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        link.exec_driver_sql(statement)
        link.exec_driver_sql("ALTER TABLE audit_entries ENABLE TRIGGER USER")


@pytest.fixture
def trail(app: Flask) -> None:
    for number in range(4):
        write(f"portal.first.{number}", f"portal.second.{number}")


@pytest.mark.usefixtures("trail")
def test_s36_entries_when_written_are_chained_in_the_order_of_commits_without_gaps() -> None:
    rows = db.session.execute(sa.select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.id)).all()
    assert [row.number for row in rows] == list(range(1, 9))
    assert len({row.hash for row in rows}) == 8
    chain = audit_chain.verify()
    assert (chain.entries, chain.head, chain.problem) == (8, rows[-1].hash, "")
    assert audit_chain.verify(newest=3).problem == ""


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET action = 'portal.harmless' WHERE id = 3",
        "UPDATE audit_entries SET data = '{}' WHERE id = 3",
        "UPDATE audit_entries SET at = now() WHERE id = 3",
        "UPDATE audit_entries SET hash = 'x' WHERE id = 3",
        "UPDATE audit_entries SET number = NULL, hash = NULL WHERE id = 3",
        "DELETE FROM audit_entries WHERE id = 3",
        "DELETE FROM audit_entries",
    ],
)
def test_s36_entry_when_changed_or_deleted_by_the_application_is_refused(statement: str) -> None:
    with pytest.raises(sa.exc.DatabaseError, match="only ever added"), db.engine.begin() as link:
        link.exec_driver_sql(statement)
    assert audit_chain.verify() == audit_chain.Chain(8, _head(), "")


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit_entries SET action = 'portal.harmless' WHERE id = 3", "entry 3 (number 3) is not as"),
        ("UPDATE audit_entries SET actor = 'nobody' WHERE id = 8", "entry 8 (number 8) is not as"),
        ("UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE id = 1", "entry 1 (number 1)"),
        ("UPDATE audit_entries SET data = data - 'nothing' WHERE id = 5", "entry 5 (number 5)"),
        ("UPDATE audit_entries SET object_id = 2 WHERE id = 5", "entry 5 (number 5)"),
        ("DELETE FROM audit_entries WHERE id = 3", "1 entry is missing after number 2"),
        ("DELETE FROM audit_entries WHERE id = 1", "1 entry is missing after number 0"),
        ("DELETE FROM audit_entries WHERE id = 8", "the last 1 entry is missing, after number 7"),
        ("DELETE FROM audit_entries", "the last 8 entries are missing, after number 0"),
        ("TRUNCATE audit_entries", "the last 8 entries are missing, after number 0"),
        ("UPDATE audit_entries SET number = NULL WHERE id = 8", "entry 8 is not in the chain"),
        ("UPDATE audit_heads SET hash = 'x'", "the chain does not end as it did at number 8"),
    ],
)
def test_s36_entry_when_changed_or_deleted_past_the_application_is_found_and_named(
    statement: str, problem: str, settings: Settings
) -> None:
    tamper(statement)
    assert problem in audit_chain.verify().problem
    [finding] = check_audit(settings)
    assert (finding.id, problem in finding.message) == ("portal.E009", True)


@pytest.mark.usefixtures("trail")
def test_s36_chain_when_verified_at_night_is_written_down_and_a_break_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    head = _head()
    assert audit_chain.verify_nightly().problem == ""
    assert f"8 entries, head {head}" in caplog.text
    assert db.session.scalars(sa.select(AuditEntry.action)).all()[-1] == "portal.audit.verified"
    assert world.count(Notification) == 0
    tamper("DELETE FROM audit_entries WHERE id = 2")
    assert audit_chain.verify_nightly().problem
    told = db.session.scalars(sa.select(Notification)).one()
    assert told.user_id is None
    assert told.body.startswith("1 entry is missing after number 1. Portico cannot do that")
    assert "Halt trading" in told.body


def test_s36_transaction_when_rolled_back_leaves_no_entry_and_no_gap(app: Flask) -> None:
    write("portal.one")
    with pytest.raises(RuntimeError), transaction() as session:
        audit.record("tests", "portal.never", "thing")
        session.flush()
        raise RuntimeError
    with transaction() as session:
        with session.begin_nested() as part:
            audit.record("tests", "portal.taken_back", "thing")
            session.flush()
            part.rollback()
        audit.record("tests", "portal.two", "thing")
    assert audit_chain.verify().problem == ""
    assert [row.action for row in db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.number))] == [
        "portal.one", "portal.two",
    ]  # fmt: skip


def test_s36_entries_when_written_by_many_at_once_are_one_chain(app: Flask) -> None:
    def work(number: int) -> None:
        for step in range(10):
            write(f"portal.worker.{number}.{step}", "portal.again")

    at_once(app, [partial(work, number) for number in range(8)])
    chain = audit_chain.verify()
    assert (chain.entries, chain.problem) == (160, "")


def test_s36_a_thousand_entries_in_one_transaction_are_chained_at_once(app: Flask) -> None:
    write(*(f"portal.row.{number}" for number in range(1000)))
    assert (audit_chain.verify().entries, audit_chain.verify().problem) == (1000, "")
    assert db.session.scalar(sa.select(AuditHead.number)) == 1000


def test_s36_user_when_deleted_leaves_the_address_in_the_trail_and_the_chain_whole(
    app: Flask, alice: User
) -> None:
    write("portal.hers", actor=alice)
    db.session.delete(alice)
    db.session.commit()
    entry = db.session.scalars(sa.select(AuditEntry)).one()
    assert (entry.actor, entry.actor_id) == ("alice@example.org", None)
    assert audit_chain.verify().problem == ""


@pytest.mark.usefixtures("trail")
def test_s36_audit_page_says_whether_the_chain_holds(as_admin: Visitor) -> None:
    assert "Chain verified" in as_admin.get("/admin/audit/").text
    tamper("DELETE FROM audit_entries WHERE id = 7")
    page = as_admin.get("/admin/audit/").text
    assert "Chain verified" not in page
    assert "The audit trail was changed:" in page


def orders_of(desk: Desk, number: int) -> None:
    desk.account("alpha")
    for _ in range(number):
        desk.trade()
    # Old enough to be sealed.
    desk.later(3600)


def test_s36_orders_when_sealed_at_night_cannot_be_changed_or_removed_unnoticed(
    desk: Desk, settings: Settings
) -> None:
    orders_of(desk, 3)
    sealed = len(desk.orders())
    assert sealed >= 3
    assert audit_chain.verify_nightly().problem == ""
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == audit_orders.SEALED)).one()
    assert entry.data["orders"] == sealed
    assert audit_orders.seal_orders() == 0
    assert audit_orders.find_changed_orders() == ""
    with db.engine.begin() as link:
        link.exec_driver_sql("UPDATE orders SET quantity = quantity * 2 WHERE id = 2")
    assert (
        audit_orders.find_changed_orders() == f"orders 1 to {sealed} are not what was sealed ({sealed} found)"
    )
    assert [finding.id for finding in check_audit(settings)] == ["portal.E009"]
    assert "are not what was sealed" in audit_chain.verify_nightly().problem
    assert world.count(Notification) > 0


def test_s36_new_orders_are_sealed_after_the_old_ones(desk: Desk) -> None:
    orders_of(desk, 1)
    first = audit_orders.seal_orders()
    desk.trade()
    assert audit_orders.seal_orders() == 0  # too young: its transaction could still be open elsewhere
    desk.later(3600)
    second = audit_orders.seal_orders()
    assert (first, second) == (first, len(desk.orders()) - first)
    assert audit_orders.find_changed_orders() == ""


#: What has to leave a trace, and how it is done here.
EVENTS: dict[str, Callable[[Visitor, Flask, User], object]] = {
    "portal.user.login_failed": lambda _v, app, user: visit(app).post(
        "/login", {"email": user.email, "password": "not the password"}
    ),
    "portal.user.created": lambda v, _a, _u: v.post(
        "/admin/users/new/", {"email": "new@example.org", "role": "trader", "active": "y"}
    ),
    "portal.user.changed": lambda v, _a, user: v.post(
        f"/admin/users/edit/?id={user.id}", {"email": user.email, "role": "admin", "active": "y"}
    ),
    "portal.token.created": lambda v, _a, user: v.post(
        "/admin/tokens/new/", {"user_id": str(user.id), "name": "x", "scopes": "read"}
    ),
    "portal.token.revoked": lambda v, _a, _u: v.post("/admin/tokens/revoke/1"),
    "portal.connection.created": lambda v, _a, _u: v.post("/connections/new", CONNECTION),
    "portal.connection.credentials_replaced": lambda v, _a, _u: v.post(
        "/connections/1/credentials", {"apiKey": "k" * 20, "secret": "s" * 20}
    ),
    "portal.connection.test_requested": lambda v, _a, _u: v.post("/connections/1/test"),
    "portal.connection.updated": lambda v, _a, _u: v.post("/connections/1/switch", {"to": "off"}),
    "portal.connection.withdrawals_allowed": lambda v, _a, _u: v.post(
        "/admin/connections/withdrawals/1", {"reason": "The broker has no smaller key."}
    ),
    "portal.connection.withdrawals_refused": lambda v, _a, _u: v.post(
        "/admin/connections/withdrawals/1/refuse"
    ),
    "portal.plan.created": lambda v, _a, _u: v.post("/admin/plans/new/", {"name": "Gold", "is_active": "y"}),
    "portal.subscription.created": lambda v, _a, user: v.post(
        "/admin/subscriptions/new/",
        {"user_id": str(user.id), "plan_id": "1", "starts_at": "2026-01-01T00:00"},
    ),
    "portal.preset.created": lambda v, _a, _u: v.post("/admin/presets/new/", PRESET),
    "portal.preset.changed": lambda v, _a, _u: v.post("/admin/presets/edit/?id=1", PRESET),
    "portal.data_connection.created": lambda v, _a, _u: v.post(
        "/admin/data_connections/new/", {"name": "P", "provider": "binance", "is_active": "y"}
    ),
    "portal.trading_state.set": lambda v, _a, _u: v.post(
        "/admin/trading_state/set", {"state": "halted", "scope": "exchange", "key": "kraken", "reason": "x"}
    ),
    "portal.signal.created": lambda v, _a, _u: v.post(
        "/admin/signals/new/", {"currency_pair": "BTC/USDT", "direction": "buy", "action": "open"}
    ),
    "portal.signal.published": lambda v, _a, _u: v.post("/admin/signals/publish/1"),
    "portal.connection.exported": lambda v, _a, _u: v.get("/admin/connections/export/csv/"),
    "portal.queue.changed": lambda v, _a, _u: v.post("/admin/rq/queue/default/compact"),
}


def test_s36_everything_that_matters_leaves_an_entry_with_its_author(
    app: Flask, as_admin: Visitor, admin: User, alice: User
) -> None:
    for action, do in EVENTS.items():
        before = world.count(AuditEntry)
        do(as_admin, app, alice)
        entries = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.id > before)).all()
        assert action in [entry.action for entry in entries], action
        authors = {entry.actor for entry in entries if entry.action == action}
        assert authors == {"anonymous" if action == "portal.user.login_failed" else admin.email}
    assert audit_chain.verify().problem == ""
    trail = str([entry.data for entry in db.session.scalars(sa.select(AuditEntry))])
    assert "not the password" not in trail
    assert "k" * 20 not in trail


def test_s36_queue_when_changed_by_the_first_request_of_a_process_is_changed_and_written_down(
    app: Flask, as_admin: Visitor
) -> None:
    vars(app).pop("redis_conn", None)
    assert as_admin.post("/admin/rq/queue/default/compact").status_code == 302
    entry = db.session.scalars(sa.select(AuditEntry)).one()
    assert (entry.action, entry.data["queue"]) == ("portal.queue.changed", "default")


def test_s36_failed_login_names_no_account_that_does_not_exist(app: Flask, alice: User) -> None:
    for typed in (alice.email, "hunter2"):
        visit(app).post("/login", {"email": typed, "password": "wrong"})
    entries = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.actor, entry.object_id) for entry in entries] == [
        ("anonymous", alice.id),
        ("anonymous", None),
    ]
    assert "hunter2" not in str([entry.data for entry in entries])


def _head() -> str:
    return db.session.execute(sa.select(AuditHead.hash)).scalar_one()
