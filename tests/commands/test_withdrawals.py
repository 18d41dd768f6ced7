"""`allow-withdrawals` and `refuse-withdrawals`."""

from portal.db import db
from portal.models import AuditEntry, ExecutionConnection
from portal.trading.types import ConnectionStatus
from tests.commands.conftest import Portal
from tests.world import count, make_connection, make_user

REASON = "Sweeps profits to cold storage."


def row() -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, 1, populate_existing=True)


def test_an_exception_is_made_and_ended_on_the_command_line(portal: Portal) -> None:
    make_connection(make_user("alice@example.com"), facts={"can_withdraw": True})

    made = portal("allow-withdrawals", "1", "--reason", REASON)
    db.session.rollback()
    given = row().withdrawal_override
    ended = portal("refuse-withdrawals", "1", "--json")
    db.session.rollback()

    assert (made.code, ended.code) == (0, 0)
    assert "until the key is replaced" in made.stdout
    assert given is not None
    assert (given["reason"], given["by"]) == (REASON, "command line")
    assert ended.json == {"connection": 1, "name": "Main account", "status": "error"}
    assert (row().withdrawal_override, row().status) == (None, ConnectionStatus.ERROR)
    assert count(AuditEntry) == 3


def test_an_exception_without_reason_or_connection_is_not_made(portal: Portal) -> None:
    make_connection(make_user("alice@example.com"))

    missing = portal("allow-withdrawals", "1")
    short = portal("allow-withdrawals", "1", "--reason", "because")
    gone = portal("allow-withdrawals", "9", "--reason", REASON)

    assert (missing.code, gone.code) == (2, 1)
    assert short.code in (1, 2)
    assert "others will ask" in short.stderr
    assert "no connection 9" in gone.stderr
    assert row().withdrawal_override is None
    assert count(AuditEntry) == 0
