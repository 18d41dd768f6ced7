"""The audit trail: nothing of it can be changed, and a change past the application is found."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.config import Settings
from portal.db import db, transaction
from portal.models import AuditEntry, AuditHead, Notification, User
from portal.services import audit, audit_chain
from portal.services.health_checks_audit import check_audit
from tests import world
from tests.visiting import Visitor


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
        ("DELETE FROM audit_entries WHERE id = 3", "1 entries are missing after number 2"),
        ("DELETE FROM audit_entries WHERE id = 1", "1 entries are missing after number 0"),
        ("DELETE FROM audit_entries WHERE id = 8", "the last 1 entries are missing, after number 7"),
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
    assert (told.user_id, told.body) == (None, "1 entries are missing after number 1")


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
        with app.app_context():
            for step in range(10):
                write(f"portal.worker.{number}.{step}", "portal.again")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
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


def _head() -> str:
    return db.session.execute(sa.select(AuditHead.hash)).scalar_one()
