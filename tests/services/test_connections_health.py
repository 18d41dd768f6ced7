"""Testing connections against the practice exchange."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import crypto
from portal.db import db, transaction, utcnow
from portal.models import AuditEntry, ExecutionConnection, Notification
from portal.services import connections
from portal.services.connections_history import changes_of
from portal.trading.types import ConnectionMode, ConnectionStatus, NotificationType, PositionMode
from portal.web import health_words
from tests.services.desk import Desk
from tests.world import count, make_connection, make_user


def fresh(connection_id: int) -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, connection_id, populate_existing=True)


def told() -> list[NotificationType]:
    return list(db.session.scalars(sa.select(Notification.type).order_by(Notification.id)))


def test_a_test_learns_what_the_key_may_do_and_what_the_account_holds(desk: Desk) -> None:
    connection = desk.account(balances={"USDT": "123.5"})

    connections.test_connection(connection.id)

    tested = fresh(connection.id)
    assert tested.status is ConnectionStatus.ACTIVE
    assert tested.facts["can_trade"] is True
    assert tested.facts["can_withdraw"] is False
    assert tested.position_mode is PositionMode.ONE_WAY
    assert tested.last_balance is not None
    assert (tested.last_balance["currency"], float(tested.last_balance["total"])) == ("USDT", 123.5)
    assert tested.last_tested_at is not None
    assert tested.last_connected_at is not None
    assert told() == []


def test_the_first_success_is_recorded_once_so_that_the_history_shows_it(desk: Desk) -> None:
    connection = desk.account("alpha")
    for _ in range(2):
        connections.check_connection(connection.id)
    lines = health_words.history(list(db.session.scalars(changes_of(connection.id))), connection.id)
    assert [(line.state, line.said) for line in lines if line.state == "healthy"] == [
        ("healthy", "Its first test succeeded.")
    ]
    assert told() == []


def test_a_revoked_key_stops_the_connection_with_a_reason_once_and_recovers(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", enabled=False)

    connections.check_connection(connection.id)
    connections.check_connection(connection.id)

    broken = fresh(connection.id)
    assert broken.status is ConnectionStatus.ERROR
    assert broken.last_error
    assert not broken.can_execute_trades()
    assert told() == [NotificationType.CONNECTION]

    desk.sandbox.update_account("alpha", enabled=True)
    connections.check_connection(connection.id)

    assert fresh(connection.id).can_execute_trades()
    assert fresh(connection.id).last_error is None
    assert told() == [NotificationType.CONNECTION] * 2
    actions = db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["portal.connection.failed", "portal.connection.recovered"]


def test_a_key_that_may_not_trade_stops_the_connection(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", can_trade=False)

    connections.test_connection(connection.id)

    assert fresh(connection.id).status is ConnectionStatus.ERROR
    assert "may not trade" in (fresh(connection.id).last_error or "")


def test_a_wrong_encryption_key_is_an_error_and_never_reads_as_no_credentials(desk: Desk, app: Flask) -> None:
    connection = desk.account("alpha")
    crypto.init_keyring(app.extensions, (crypto.generate_key(),))
    try:
        connections.test_connection(connection.id)
    finally:
        crypto.init_keyring(app.extensions, app.extensions["portal_settings"].credential_keys)

    broken = fresh(connection.id)
    assert broken.status is ConnectionStatus.ERROR
    assert "encrypted with key" in (broken.last_error or "")
    assert "No credentials" not in (broken.last_error or "")
    assert desk.sandbox.requests(account="alpha")["total"] == 0


def test_s19_a_ciphertext_of_another_row_is_refused(desk: Desk) -> None:
    alpha, beta = desk.account("alpha"), desk.account("beta")
    with transaction() as session:
        session.get_one(ExecutionConnection, beta.id).credentials = fresh(alpha.id).credentials

    connections.test_connection(beta.id)

    assert fresh(beta.id).status is ConnectionStatus.ERROR
    assert "do not belong to this row" in (fresh(beta.id).last_error or "")
    assert desk.sandbox.requests(account="alpha")["total"] == 0


def test_missing_credentials_say_what_to_do(desk: Desk) -> None:
    connection = desk.account("alpha")
    with transaction() as session:
        session.get_one(ExecutionConnection, connection.id).set_credentials({})

    connections.test_connection(connection.id)

    assert "Enter the API key" in (fresh(connection.id).last_error or "")


def test_a_passing_failure_counts_for_the_periodic_check_only_when_it_lasts(desk: Desk) -> None:
    connection = desk.account("alpha")
    fault = desk.sandbox.add_fault("maintenance", "*", account="alpha")

    connections.check_connection(connection.id)
    connections.check_connection(connection.id)
    assert fresh(connection.id).status is ConnectionStatus.ACTIVE
    assert told() == []
    connections.check_connection(connection.id)
    assert fresh(connection.id).status is ConnectionStatus.ERROR

    desk.sandbox.remove_fault(fault)
    desk.forget_traffic()
    connections.check_connection(connection.id)
    assert fresh(connection.id).status is ConnectionStatus.ACTIVE
    assert "failed_checks" not in fresh(connection.id).facts


def test_a_test_that_somebody_asked_for_shows_any_failure_at_once(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.add_fault("maintenance", "*", account="alpha")

    connections.test_connection(connection.id)

    assert fresh(connection.id).status is ConnectionStatus.ERROR


def test_a_connection_that_is_switched_off_stays_off(desk: Desk) -> None:
    connection = desk.account("alpha", status=ConnectionStatus.INACTIVE, is_active=False)

    connections.test_connection(connection.id)

    assert fresh(connection.id).status is ConnectionStatus.INACTIVE
    assert fresh(connection.id).last_tested_at is not None


def test_a_connection_that_is_gone_is_left_alone(desk: Desk) -> None:
    connections.test_connection(99)
    connections.check_connection(99)

    assert count(Notification) == 0


def test_the_periodic_check_asks_for_those_that_are_on_and_were_not_tested_just_now(app: Flask) -> None:
    alice = make_user("alice@example.com")
    old = utcnow() - timedelta(minutes=6)
    wanted = {
        make_connection(alice, "never").id,
        make_connection(alice, "old", last_tested_at=old).id,
        make_connection(alice, "broken", last_tested_at=old, status=ConnectionStatus.ERROR).id,
        make_connection(alice, "live", exchange_name="kraken", mode=ConnectionMode.LIVE).id,
        make_connection(alice, "paper", exchange_name="kraken", mode=ConnectionMode.PAPER).id,
    }
    make_connection(alice, "now", last_tested_at=utcnow())
    make_connection(alice, "off", is_active=False, status=ConnectionStatus.INACTIVE)

    assert connections.check_connections() == 5

    scheduled = app.extensions["portal_redis"].zrange("rq:scheduled:default", 0, -1)
    assert {int(job.decode().split("-")[2]) for job in scheduled} == wanted


@pytest.mark.parametrize("exchange", ["sandbox", "sandboxusdm"])
def test_both_markets_of_the_practice_exchange_pass_a_test(desk: Desk, exchange: str) -> None:
    connection = desk.account("alpha", exchange=exchange)

    connections.test_connection(connection.id)

    assert fresh(connection.id).can_execute_trades()
