"""Signals are taken in once and published once, to exactly the connections that they may reach."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from portal.config import Settings
from portal.db import db, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.jobs import queues
from portal.models import AuditEntry, Execution, Plan, Signal, Subscription, User
from portal.services import signals
from portal.trading.types import ConnectionStatus
from tests.world import make_admin, make_connection, make_user, save


@pytest.fixture
def admin(app: Flask) -> User:
    return make_admin()


def send(author: User, **data: Any) -> signals.Submitted:
    return signals.submit(
        {"currency_pair": "BTC/USDT", "direction": "buy", **data}, author=author, source="api", publish=True
    )


def count(model: type[Any]) -> int:
    return db.session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def subscribe(user: User, plan: Plan, **values: Any) -> None:
    save(Subscription(user_id=user.id, plan_id=plan.id, **values))


def test_signal_when_published_reaches_admin_accounts_and_current_subscribers_only(admin: User) -> None:
    plan, other = save(Plan(name="gold")), save(Plan(name="silver"))
    now = utcnow()
    current, ended, future, elsewhere, canceled = (
        make_user(f"{name}@example.org") for name in ("current", "ended", "future", "elsewhere", "canceled")
    )
    subscribe(current, plan)
    subscribe(ended, plan, starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=1))
    subscribe(future, plan, starts_at=now + timedelta(days=1))
    subscribe(elsewhere, other)
    subscribe(canceled, plan, canceled_at=now)
    make_connection(admin, "house")
    make_connection(current, "theirs")
    make_connection(current, "switched off", is_active=False)
    make_connection(current, "broken", status=ConnectionStatus.ERROR)
    for user in (ended, future, elsewhere, canceled):
        make_connection(user, user.email)
    done = send(admin, plans=["gold"])
    names = db.session.execute(sa.select(Execution.connection_name)).scalars().all()
    assert sorted(names) == ["house", "theirs"]
    assert done.executions == 2


def test_signal_of_a_deactivated_user_reaches_nobody_of_theirs(admin: User) -> None:
    plan = save(Plan(name="gold"))
    user = make_user("gone@example.org", active=False)
    subscribe(user, plan)
    make_connection(user)
    assert send(admin, plans=["gold"]).executions == 0


def test_reach_of_a_draft_is_what_publishing_it_writes(admin: User) -> None:
    make_connection(admin, "one")
    make_connection(admin, "two")
    draft = signals.submit(
        {"currency_pair": "BTC/USDT", "direction": "buy"}, author=admin, source="admin", publish=False
    )
    assert count(Execution) == 0
    assert signals.reach(draft.signal_id) == 2
    assert signals.publish(draft.signal_id, actor=admin) == 2
    assert signals.publish(draft.signal_id, actor=admin) == 2, "publishing again changes nothing"
    assert count(Execution) == 2


def test_f01_f02_repeat_with_the_same_key_answers_with_the_first(admin: User) -> None:
    make_connection(admin)
    first = send(admin, dedupe_key="k", sl="49000")
    again = send(admin, dedupe_key="k", sl="49000.00")
    assert (again.signal_id, again.created) == (first.signal_id, False)
    with pytest.raises(ConflictError):
        send(admin, dedupe_key="k", sl="48000")
    assert count(Signal) == 1
    assert count(Execution) == 1


def test_key_of_another_author_is_another_key(admin: User) -> None:
    other = make_admin("other@example.org")
    assert send(admin, dedupe_key="k").signal_id != send(other, dedupe_key="k").signal_id


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"plans": ["nope"]}, "plans"),
        ({"direction": "up"}, "direction"),
        ({"sl": "NaN"}, "sl"),
        ({"sl": "-1"}, "sl"),
        ({"tp": ["0"]}, "tp"),
        ({"open_price": "1e400"}, "open_price"),
        ({"open_price": "0.1234567890123456789"}, "open_price"),
        ({"open_price": "50000", "sl": "51000"}, "sl"),
        ({"order_type": "limit"}, "open_price"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"currency_pair": "BTCUSDT"}, "currency_pair"),
        ({"is_published": True}, "is_published"),
    ],
)
def test_signal_when_a_field_is_wrong_is_refused_by_that_field(
    admin: User, data: dict[str, Any], field: str
) -> None:
    make_connection(admin)
    with pytest.raises(ValidationError) as caught:
        send(admin, **data)
    assert field in caught.value.errors
    assert count(Signal) == 0
    assert count(Execution) == 0
    assert count(AuditEntry) == 0


def test_f05_publish_when_rolled_back_leaves_no_row_and_no_job(
    app: Flask, admin: User, settings: Settings
) -> None:
    make_connection(admin)
    draft = signals.submit(
        {"currency_pair": "BTC/USDT", "direction": "buy"}, author=admin, source="admin", publish=False
    )
    with pytest.raises(ZeroDivisionError), transaction() as session:
        signal = session.get_one(Signal, draft.signal_id)
        signal.is_published = True
        session.flush()
        assert count(Execution) == 1
        raise ZeroDivisionError
    assert count(Execution) == 0
    assert queued(settings) == 0


def test_publish_when_committed_enqueues_one_job_per_execution(admin: User, settings: Settings) -> None:
    for name in ("one", "two", "three"):
        make_connection(admin, name)
    send(admin)
    assert queued(settings) == 3


def test_f04_publish_when_redis_is_away_is_still_committed(app: Flask, admin: User) -> None:
    make_connection(admin)
    before = app.extensions["portal_queues"]
    app.extensions["portal_queues"] = queues.JobQueues(queues.connect("unix:///nonexistent/redis.sock"))
    try:
        done = send(admin)
    finally:
        app.extensions["portal_queues"] = before
    assert done.executions == 1
    assert count(Execution) == 1


def test_draft_when_changed_keeps_its_id_and_published_one_cannot_be_changed(admin: User) -> None:
    draft = signals.submit(
        {"currency_pair": "BTC/USDT", "direction": "buy"}, author=admin, source="admin", publish=False
    )
    changed = {"currency_pair": "ETH/USDT", "direction": "sell", "sl": "4000"}
    signals.update_draft(draft.signal_id, changed, actor=admin)
    signal = db.session.get_one(Signal, draft.signal_id)
    assert (signal.currency_pair, signal.sl) == ("ETH/USDT", Decimal(4000))
    signals.publish(draft.signal_id, actor=admin)
    with pytest.raises(ConflictError):
        signals.update_draft(draft.signal_id, changed, actor=admin)
    with pytest.raises(NotFoundError):
        signals.publish(draft.signal_id + 1, actor=admin)


def test_history_when_signal_and_connection_are_deleted_stays(admin: User) -> None:
    connection = make_connection(admin)
    done = send(admin)
    db.session.delete(connection)
    db.session.delete(db.session.get_one(Signal, done.signal_id))
    db.session.commit()
    (execution,) = db.session.execute(sa.select(Execution)).scalars()
    assert (execution.signal_id, execution.connection_id) == (None, None)
    assert execution.connection_name == "Main account"


def queued(settings: Settings) -> int:
    with Redis.from_url(str(settings.redis_url)) as redis:
        return int(redis.llen("rq:queue:orders"))
