"""What the queue may do to us: jobs lost, late, doubled, repeated by mistake. The database decides; orders
are counted at the exchange."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis
from rq import Queue, Retry
from rq.serializers import JSONSerializer

from portal.db import db, end_read, transaction
from portal.jobs import keys, queues
from portal.jobs.table import JOBS, ORDERS
from portal.jobs.worker import run_worker
from portal.models import Execution, ExecutionConnection, Notification, Signal
from portal.services import books, claims, executions, recording, sweeper
from portal.trading.types import ExecutionStatus
from tests.faults.sizes import ROWS, ROWS_AT_A_TIME, takes_long
from tests.helpers import at_once, eventually
from tests.jobs.redis_server import RedisServer
from tests.services.desk import Desk

PAST = sa.literal(timedelta(minutes=2), sa.Interval)


@pytest.fixture
def own_redis(app: Flask, desk: Desk) -> Iterator[RedisServer]:
    """A Redis of the test's own behind the whole application, which the test may kill."""
    server = RedisServer()
    server.start()
    before = {name: app.extensions[name] for name in ("portal_settings", "portal_redis", "portal_queues")}
    client = queues.connect(server.url)
    app.extensions["portal_settings"] = replace(before["portal_settings"], redis_url=server.url)
    app.extensions["portal_redis"], app.extensions["portal_queues"] = client, queues.JobQueues(client)
    app.extensions.pop("portal_traffic", None)
    yield server
    app.extensions.update(before)
    client.close()
    server.close()


def work_off(app: Flask, desk: Desk) -> None:
    """Workers, and sweeps for whoever found the budget of requests spent, until nobody waits."""
    for _ in range(10):
        end_read()
        assert run_worker(app, concurrency=4, burst=True) == 0
        if all(each.status is not ExecutionStatus.PENDING for each in desk.executions()):
            return
        desk.later(5)
        desk.sweep()


def test_f04_signals_when_redis_is_down_at_their_publication_run_when_it_is_back(
    app: Flask, desk: Desk, own_redis: RedisServer
) -> None:
    for number in range(5):
        desk.account(f"account-{number}")
    own_redis.kill()
    for pair in ("BTC/USDT", "ETH/USDT"):
        desk.publish(currency_pair=pair)
    own_redis.start()
    redis: Redis = app.extensions["portal_redis"]
    assert redis.llen(keys.queue(ORDERS)) == 0, "the jobs were lost"
    desk.later(15)
    assert desk.sweep()["run_execution"] == 10, "fifteen seconds and one sweep of ten later"
    work_off(app, desk)
    assert {each.status for each in desk.executions()} == {ExecutionStatus.FILLED}
    assert desk.accepted() == 10


@pytest.mark.parametrize("loss", ["killed without persistence", "flushed"])
def test_f20_f21_jobs_when_redis_forgets_them_are_asked_for_again_from_the_rows(
    app: Flask, desk: Desk, own_redis: RedisServer, loss: str
) -> None:
    redis: Redis = app.extensions["portal_redis"]
    redis.config_set("appendonly", "no")
    for number in range(6):
        desk.account(f"account-{number}")
    first = desk.publish()
    end_read()
    executions.run(first[0].id)
    assert redis.llen(keys.queue(ORDERS)) >= 6
    if loss == "flushed":
        redis.flushall()
    else:
        own_redis.forget()
    assert redis.dbsize() == 0
    desk.later(15)
    assert desk.sweep()["run_execution"] == 5
    work_off(app, desk)
    assert {each.status for each in desk.executions()} == {ExecutionStatus.FILLED}
    assert desk.accepted() == 6
    assert books.verify() == []


@takes_long
def test_f09_execution_when_four_relays_and_four_claimers_go_over_all_is_claimed_once(
    app: Flask, desk: Desk
) -> None:
    for number in range(ROWS_AT_A_TIME):
        row = ExecutionConnection(name=f"a{number}", exchange_name="sandbox", is_admin_owned=True)
        row.admin_id = desk.admin_id
        db.session.add(row)
    db.session.commit()
    claimed: Counter[int] = Counter()
    for _ in range(ROWS // ROWS_AT_A_TIME):
        ids = [each.id for each in desk.publish()]
        desk.later(20)

        def claim_all(part: int, ids: list[int] = ids) -> list[int]:
            shift = len(ids) * part // 4
            turned = ids[shift:] + ids[:shift]
            return [each for each in turned if claims.claim(each) is not None]

        answers = at_once(app, [sweeper.sweep] * 4 + [partial(claim_all, part) for part in range(4)])
        claimed += Counter(chain.from_iterable(answers[4:]))
        assert {claimed[each] for each in ids} == {1}
        assert desk.sweep()["run_execution"] == 0, "while the leases hold nobody asks again"
        _give_up(ids)
    assert (len(claimed), set(claimed.values())) == (ROWS, {1})


def _give_up(ids: list[int]) -> None:
    """Take the rows out of the way of the next ones."""
    with transaction() as session:
        session.execute(
            sa.update(Execution).where(Execution.id.in_(ids)).values(status=ExecutionStatus.DENIED)
        )


def test_f16_job_when_it_is_delivered_to_two_workers_is_done_by_one_and_left_by_the_other_at_once(
    app: Flask, desk: Desk
) -> None:
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    end_read()
    desk.sandbox.set_latency(1.0, "order")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: in_context(app, lambda: executions.run(key)))
        eventually(lambda: bool(desk.orders()), timeout=10, what="the first has intended")
        end_read()
        started = time.monotonic()
        executions.run(key)
        assert time.monotonic() - started < 1
        first.result(20)
    assert desk.accepted() == 1
    assert desk.executions()[0].status is ExecutionStatus.FILLED


def in_context(app: Flask, work: Callable[[], object]) -> None:
    with app.app_context():
        work()


def test_f17_job_when_somebody_configured_retries_for_it_sends_one_order(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ's own record with three retries, and a body that dies after the exchange took the order."""
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    redis: Redis = app.extensions["portal_redis"]
    redis.flushdb()
    queue = Queue(ORDERS, connection=redis, serializer=JSONSerializer)
    job = queue.enqueue(JOBS["run_execution"].function, key, retry=Retry(max=3))
    real, deaths = recording.record_report, iter(chain([True], repeat(False)))

    def die_first(*given: Any, **named: Any) -> Any:
        if next(deaths):
            raise RuntimeError("died after the answer")
        return real(*given, **named)

    monkeypatch.setattr(recording, "record_report", die_first)
    end_read()
    run_worker(app, concurrency=1, burst=True)
    assert redis.zcard(keys.scheduled(ORDERS)) == 0, f"{job.id} was not put back"
    for _ in range(3):  # what the three retries would do
        end_read()
        executions.run(key)
    assert desk.accepted() == 1
    desk.later(30)
    desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_f10_signal_when_it_is_too_old_at_last_expires_sends_nothing_and_is_told(desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish()
    with transaction() as session:
        session.execute(sa.update(Signal).values(published_at=Signal.published_at - PAST))
    assert desk.run(execution).status is ExecutionStatus.EXPIRED
    assert desk.accepted() == len(desk.orders()) == 0
    told = db.session.scalars(sa.select(Notification.title)).all()
    assert told == ["Buy BTC/USDT was not placed"]


def test_f11_closing_signal_when_it_comes_before_the_opening_one_is_a_recorded_no_op(desk: Desk) -> None:
    desk.account()
    early = desk.trade(action="close")
    assert early.status is ExecutionStatus.DENIED
    assert early.code == "NOTHING_TO_CLOSE"
    assert desk.accepted() == 0
    assert desk.trade().status is ExecutionStatus.FILLED
    assert desk.run(early).status is ExecutionStatus.DENIED, "it does not close what came later"
    assert desk.accepted() == 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Execution)) == 2
