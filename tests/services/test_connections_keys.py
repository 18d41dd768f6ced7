"""F38, F42 and S29: what a key may do decides whether it is traded with; what runs out is told in time."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import current_app

from portal.db import db, transaction, utcnow
from portal.errors import NotFoundError, PortalError, ValidationError
from portal.exchanges.ccxt_markets import _REGISTRY
from portal.models import AuditEntry, ExecutionConnection, Notification
from portal.services import connections, health_checks_keys
from portal.services.connections_learning import learn
from portal.services.connections_policy import must_ask_about_key, why_refused
from portal.services.connections_warnings import warn_of_expiry
from portal.trading.orders import AccountFacts
from portal.trading.types import ConnectionStatus, ExecutionStatus, MarginMode, NotificationType, PositionMode
from tests.services.desk import Desk
from tests.world import count, make_connection, make_user

REASON = "This desk sweeps profits to cold storage every night."


def fresh(connection_id: int) -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, connection_id, populate_existing=True)


def titles() -> list[str]:
    return list(db.session.scalars(sa.select(Notification.title).order_by(Notification.id)))


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def a_day_passes(connection_id: int) -> None:
    with transaction() as session:
        row = session.get_one(ExecutionConnection, connection_id)
        assert row.facts_at is not None
        row.facts_at -= timedelta(hours=23)


def asked_about_the_key(desk: Desk) -> int:
    return int(desk.sandbox.requests(account="alpha")["by_endpoint"].get("sapi", 0))


@pytest.mark.parametrize("exchange", ["sandbox", "sandboxusdm"])
def test_f42_a_key_that_can_withdraw_is_refused_by_its_first_test(desk: Desk, exchange: str) -> None:
    connection = desk.account("alpha", exchange=exchange)
    desk.sandbox.update_account("alpha", can_withdraw=True)

    connections.test_connection(connection.id)

    refused = fresh(connection.id)
    assert refused.status is ConnectionStatus.ERROR
    assert "can withdraw funds" in (refused.last_error or "")
    assert refused.facts["can_withdraw"] is True
    assert titles() == ["alpha does not work"]


def test_f42_a_refused_key_takes_no_signals(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", can_withdraw=True)
    connections.test_connection(connection.id)

    assert desk.publish() == []
    assert desk.accepted() == 0


def test_f42_a_right_to_withdraw_that_appears_later_stops_the_connection_within_a_day(desk: Desk) -> None:
    connection = desk.account("alpha")
    connections.test_connection(connection.id)
    desk.sandbox.update_account("alpha", can_withdraw=True)

    connections.check_connection(connection.id)
    assert fresh(connection.id).status is ConnectionStatus.ACTIVE
    a_day_passes(connection.id)
    connections.check_connection(connection.id)

    assert fresh(connection.id).status is ConnectionStatus.ERROR
    assert titles() == ["alpha does not work"]
    connections.check_connection(connection.id)
    assert len(titles()) == 1


def test_a_right_that_is_taken_away_makes_the_connection_work_with_the_next_check(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", can_withdraw=True)
    connections.test_connection(connection.id)
    desk.sandbox.update_account("alpha", can_withdraw=False)

    connections.check_connection(connection.id)

    assert fresh(connection.id).can_execute_trades()
    assert titles() == ["alpha does not work", "alpha works again"]


def test_a_refused_key_stays_refused_while_the_exchange_does_not_answer_the_question(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", can_withdraw=True)
    connections.test_connection(connection.id)
    desk.sandbox.add_fault("http_before", "sapi", account="alpha", status=503)

    connections.check_connection(connection.id)
    connections.test_connection(connection.id)

    still = fresh(connection.id)
    assert still.status is ConnectionStatus.ERROR
    assert still.facts["can_withdraw"] is True
    assert still.facts["key_unknown"]


def test_a_question_that_is_never_answered_is_a_warning_and_no_refusal(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.add_fault("http_before", "sapi", account="alpha", status=503)

    connections.test_connection(connection.id)

    unknown = fresh(connection.id)
    assert unknown.can_execute_trades()
    assert unknown.facts.get("can_withdraw") is None
    assert unknown.facts["key_unknown"]
    assert must_ask_about_key(unknown, utcnow())


def test_a_check_that_had_to_be_held_back_changes_nothing(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.add_fault("rate_limit", "account", account="alpha", count=1, retry_after=60)
    connections.check_connection(connection.id)
    assert fresh(connection.id).facts["failed_checks"] == 1
    tested_at, asked = fresh(connection.id).last_tested_at, desk.sandbox.requests(account="alpha")["total"]

    for _ in range(3):
        connections.check_connection(connection.id)
    connections.test_connection(connection.id)

    assert desk.sandbox.requests(account="alpha")["total"] == asked
    assert fresh(connection.id).facts["failed_checks"] == 1
    assert (fresh(connection.id).last_tested_at, fresh(connection.id).last_error) == (tested_at, None)
    assert fresh(connection.id).can_execute_trades()
    assert titles() == []


def test_the_periodic_check_is_light_and_asks_about_the_key_once_a_day(desk: Desk) -> None:
    connection = desk.account("alpha")
    connections.check_connection(connection.id)
    assert asked_about_the_key(desk) == 1
    before = int(desk.sandbox.requests(account="alpha")["total"])

    for _ in range(3):
        connections.check_connection(connection.id)
    assert asked_about_the_key(desk) == 1
    assert int(desk.sandbox.requests(account="alpha")["total"]) == before + 3

    a_day_passes(connection.id)
    connections.check_connection(connection.id)
    connections.check_connection(connection.id)
    assert asked_about_the_key(desk) == 2


def test_every_connection_is_asked_at_least_once_a_day_and_not_all_at_once() -> None:
    now = utcnow()

    def due_after(number: int) -> int:
        row = ExecutionConnection(id=number, facts={}, facts_at=now, status=ConnectionStatus.ACTIVE)
        return next(
            minutes for minutes in range(24 * 60) if must_ask_about_key(row, now + timedelta(minutes=minutes))
        )

    waits = {due_after(number) for number in range(1, 200)}
    assert max(waits) <= 23 * 60
    assert min(waits) >= 22 * 60
    assert len(waits) > 50


def test_a_connection_in_error_is_asked_in_full_each_time() -> None:
    row = ExecutionConnection(id=1, facts={}, facts_at=utcnow(), status=ConnectionStatus.ERROR)
    assert must_ask_about_key(row, utcnow())


def test_an_administrators_written_exception_lets_the_key_trade(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", can_withdraw=True)
    connections.test_connection(connection.id)

    connections.allow_withdrawals(connection.id, REASON, actor=desk.admin)
    connections.test_connection(connection.id)

    accepted = fresh(connection.id)
    assert accepted.can_execute_trades()
    assert accepted.withdrawal_override is not None
    assert (accepted.withdrawal_override["reason"], accepted.withdrawal_override["by"]) == (
        REASON,
        desk.admin.email,
    )
    assert "portal.connection.withdrawals_allowed" in actions()


def test_an_exception_that_ends_stops_the_connection_at_once(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", can_withdraw=True)
    connections.allow_withdrawals(connection.id, REASON, actor="command line")
    connections.test_connection(connection.id)
    assert fresh(connection.id).can_execute_trades()

    connections.refuse_withdrawals(connection.id, actor=desk.admin)

    assert fresh(connection.id).status is ConnectionStatus.ERROR
    assert fresh(connection.id).withdrawal_override is None
    assert "portal.connection.withdrawals_refused" in actions()


def test_a_trader_can_neither_make_nor_end_an_exception(desk: Desk) -> None:
    trader = make_user("alice@example.com")
    connection = make_connection(trader)

    with pytest.raises(PortalError, match="Only an administrator"):
        connections.allow_withdrawals(connection.id, REASON, actor=trader)
    with pytest.raises(PortalError, match="Only an administrator"):
        connections.refuse_withdrawals(connection.id, actor=trader)
    with pytest.raises(ValidationError):
        connections.update(connection.id, {"withdrawal_override": {"reason": REASON}}, actor=trader)
    connections.update(connection.id, {"settings": {"withdrawal_override": REASON}}, actor=trader)

    row = fresh(connection.id)
    row.facts = {"can_withdraw": True}
    assert why_refused(row) is not None
    assert row.withdrawal_override is None
    db.session.rollback()


@pytest.mark.parametrize("reason", ["", "   ", "because", "x" * 501])
def test_an_exception_without_a_real_reason_is_refused(desk: Desk, reason: str) -> None:
    connection = desk.account("alpha")

    with pytest.raises(ValidationError):
        connections.allow_withdrawals(connection.id, reason, actor=desk.admin)

    assert fresh(connection.id).withdrawal_override is None
    assert count(AuditEntry) == 0


def test_an_exception_for_a_connection_that_is_gone_is_an_error(desk: Desk) -> None:
    for decide in (
        lambda: connections.allow_withdrawals(99, REASON, actor="x"),
        lambda: connections.refuse_withdrawals(99, actor="x"),
    ):
        with pytest.raises(NotFoundError):
            decide()


def test_another_key_ends_the_exception_and_forgets_what_was_known_of_the_old_one(desk: Desk) -> None:
    connection = desk.account("alpha")
    keys = desk.sandbox.create_account("beta").credentials
    desk.sandbox.update_account("alpha", can_withdraw=True)
    desk.sandbox.update_account("beta", can_withdraw=True)
    connections.allow_withdrawals(connection.id, REASON, actor=desk.admin)
    connections.test_connection(connection.id)

    connections.set_credentials(connection.id, keys, actor=desk.admin)

    replaced = fresh(connection.id)
    assert (replaced.withdrawal_override, replaced.facts, replaced.facts_at) == (None, {}, None)
    connections.check_connection(connection.id)
    assert fresh(connection.id).status is ConnectionStatus.ERROR


def test_hedge_mode_margin_mode_and_leverage_are_kept_with_the_connection(desk: Desk) -> None:
    row = ExecutionConnection(facts={}, warned={})

    learn(
        row,
        AccountFacts(
            position_mode=PositionMode.HEDGE,
            margin_mode=MarginMode.ISOLATED,
            leverage=None,
            permissions=("a",),
        ),
    )
    learn(row, AccountFacts(thorough=False, clock_offset_ms=3))

    assert (row.position_mode, row.margin_mode) == (PositionMode.HEDGE, MarginMode.ISOLATED)
    assert (row.facts["permissions"], row.clock_offset_ms) == (["a"], 3)


def expiring(name: str, **values: datetime | bool) -> ExecutionConnection:
    return make_connection(make_user(f"{name}@example.com"), name, **values)


def test_s29_an_expiry_is_told_fourteen_seven_and_one_day_before_once_each(desk: Desk) -> None:
    now = utcnow()
    row = expiring("alpha", key_expires_at=now + timedelta(days=30))

    told_on = []
    for hours in range(0, 31 * 24, 6):
        before = len(titles())
        warn_of_expiry(row, now + timedelta(hours=hours))
        db.session.flush()
        told_on += [30 - hours / 24] * (len(titles()) - before)

    assert told_on == [14, 7, 1]
    assert all("API key of alpha expires on" in title for title in titles())


def test_a_check_that_comes_late_tells_once_and_not_three_times(desk: Desk) -> None:
    now = utcnow()
    row = expiring("alpha", key_expires_at=now + timedelta(hours=20))

    for _ in range(3):
        warn_of_expiry(row, now)

    db.session.flush()
    assert len(titles()) == 1


def test_a_renewed_key_is_warned_of_again_and_a_wandering_date_is_not(desk: Desk) -> None:
    now = utcnow()
    row = expiring("alpha", key_expires_at=now + timedelta(days=6))
    warn_of_expiry(row, now)

    learn(row, AccountFacts(key_expires_at=now + timedelta(days=6, hours=20)))
    warn_of_expiry(row, now)
    db.session.flush()
    assert len(titles()) == 1

    learn(row, AccountFacts(key_expires_at=now + timedelta(days=12)))
    warn_of_expiry(row, now)
    db.session.flush()
    assert len(titles()) == 2


def test_a_connection_that_is_switched_off_is_not_warned_of(desk: Desk) -> None:
    row = expiring("alpha", key_expires_at=utcnow() + timedelta(days=1), is_active=False)

    warn_of_expiry(row, utcnow())

    db.session.flush()
    assert titles() == []


def test_a_clock_that_is_off_is_told_to_administrators_once_for_all_accounts(desk: Desk) -> None:
    first, second = desk.account("alpha").id, desk.account("beta").id
    drift(desk, -3_000)
    try:
        for connection_id in (first, second, first):
            connections.test_connection(connection_id)
    finally:
        drift(desk, 0)

    assert titles() == ["The clock differs from that of sandbox"]
    told = db.session.execute(sa.select(Notification)).scalar_one()
    assert (told.user_id, told.type) == (None, NotificationType.CONNECTION)
    assert "3.0 s ahead" in told.body
    assert abs((fresh(first).clock_offset_ms or 0) - 3_000) < 500
    assert fresh(first).can_execute_trades()


def test_a_clock_within_a_second_is_nobodys_business(desk: Desk) -> None:
    connection = desk.account("alpha")
    drift(desk, 700)
    try:
        connections.test_connection(connection.id)
    finally:
        drift(desk, 0)

    assert titles() == []
    assert fresh(connection.id).status is ConnectionStatus.ACTIVE


def test_f38_a_clock_that_jumps_costs_one_refusal_and_one_order_and_is_recorded(desk: Desk) -> None:
    connection = desk.account("alpha", balances={"USDT": "10000"})
    connections.test_connection(connection.id)
    desk.sandbox.set_clock_offset(-30_000)
    try:
        execution = desk.trade()
        for _ in range(3):
            if execution.status is ExecutionStatus.FILLED:
                break
            desk.later(30)
            execution = desk.run(execution)
        connections.check_connection(connection.id)
    finally:
        drift(desk, 0)

    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert abs((fresh(connection.id).clock_offset_ms or 0) - 30_000) < 1_000


def test_portal_check_finds_drift_exceptions_and_dying_keys(desk: Desk) -> None:
    now = utcnow()
    settings = current_app.extensions["portal_settings"]
    owner = make_user("alice@example.com")
    row = make_connection(owner, "good", clock_offset_ms=900, last_tested_at=now)
    assert list(health_checks_keys.check_clocks(settings)) == []
    assert list(health_checks_keys.check_keys(settings)) == []

    row.clock_offset_ms = -2_500
    row.withdrawal_override = {"reason": REASON, "by": "x", "at": now.isoformat()}
    row.key_expires_at = now + timedelta(days=3)
    db.session.commit()

    [clock] = health_checks_keys.check_clocks(settings)
    found = list(health_checks_keys.check_keys(settings))
    assert (clock.id, [each.id for each in found]) == ("portal.W109", ["portal.W110", "portal.W111"])
    assert "-2.5 s" in clock.message
    assert all("good (1)" in each.message for each in found)


def drift(desk: Desk, offset_ms: int) -> None:
    """Move the venue's clock, and let this process notice as it would after a quarter of an hour."""
    desk.sandbox.set_clock_offset(offset_ms)
    for markets in _REGISTRY._known.values():
        markets.distrust_clock()
