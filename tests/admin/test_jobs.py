"""The page of jobs: everything in words, and buttons that cannot lose or double anything."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis
from rq_scheduler import Scheduler

from portal.db import db, utcnow
from portal.errors import PortalError
from portal.jobs import keys, queues, redrive
from portal.jobs.engine.allowlist import Call
from portal.jobs.engine.upkeep import ABANDONED
from portal.jobs.kinds import KINDS
from portal.jobs.records import FAILURE_TTL
from portal.jobs.schedule import schedule_id
from portal.jobs.table import JOBS, QUEUES
from portal.models import AuditEntry, JobLease
from tests import world
from tests.admin.conftest import Panel
from tests.jobs.failing import fail
from tests.visiting import Visitor

#: What must never stand on a page, in any text that Redis may hold.
CANARY = "deadbeef0123456789"
LEAK = f"Traceback\n  File x\nKeyError: 'https://api.example/api?signature={CANARY}&apiKey=CANARY1'"


@pytest.fixture
def redis(app: Flask) -> Redis:
    found: Redis = app.extensions["portal_redis"]
    return found


def failed_job(redis: Redis, name: str, row_id: int = 1, text: str = ABANDONED) -> dict[str, str]:
    """A job that failed; the fields that name it."""
    queue = JOBS[name].queue
    assert queues.enqueue(name, row_id)
    popped: Any = redis.lpop(keys.queue(queue))
    fail(redis, queue, popped.decode(), text)
    return {"queue": queue, "job_id": popped.decode()}


def waiting(redis: Redis, queue: str) -> list[str]:
    found: Any = redis.lrange(keys.queue(queue), 0, -1)
    return [each.decode() for each in found]


def failures(redis: Redis) -> int:
    return sum(int(redis.zcard(keys.failed(queue))) for queue in QUEUES)


def audited(action: str) -> list[Mapping[str, Any]]:
    return list(db.session.scalars(sa.select(AuditEntry.data).where(AuditEntry.action == action)))


def test_page_when_jobs_wait_run_and_are_planned_then_says_what_they_are_about(
    panel: Panel, visitor: Visitor, redis: Redis
) -> None:
    queues.enqueue("run_execution", 1)
    queues.enqueue("protect_position", panel.position.id)
    queues.enqueue("resolve_order", 1)
    queues.enqueue("deliver_notification", 1)
    queues.enqueue("close_position", 4711)
    queues.enqueue_many("sync_connection", [panel.connection.id, 4712])
    queues.enqueue("check_positions")
    running = waiting(redis, "watch")[0]
    redis.hset(keys.job(running), mapping={"started_at": utcnow().isoformat(), "worker_name": "abcdef0123"})
    redis.zadd(keys.started("watch"), {f"{running}:attempt": utcnow().timestamp() + 45})
    text = visitor.get("/admin/jobs/").text
    for words in (
        "signal 1: buy BTC/USDT on Main account", "Carry out a signal on an account",
        "position 1: BTC/USDT long on Main account", "order 1: entry BTC/USDT on Main account",
        "Order filled", "number 4711, not in the database", "Main account (sandbox)",
        "Compare an account with its exchange", "Look at the prices of all positions", "in 1 min",
        "<code>abcdef01</code>", "No worker runs", "No scheduler runs",
    ):  # fmt: skip
        assert words in text, words
    assert 'href="/admin/executions/details/?id=1"' in text


def test_page_when_workers_and_schedulers_live_then_shows_them_with_their_last_ticks(
    app: Flask, visitor: Visitor, redis: Redis
) -> None:
    key = keys.worker("0123456789")
    redis.sadd(keys.WORKERS, key)
    now = datetime.now(UTC)
    redis.hset(key, mapping={
        "hostname": "tower", "pid": "77", "state": "busy", "queues": "exits,orders", "birth": now.isoformat(),
        "last_heartbeat": now.isoformat(), "successful_job_count": 12, "failed_job_count": 3,
    })  # fmt: skip
    redis.zadd(keys.SCHEDULERS, {"clock": now.timestamp()})
    world.save(JobLease(job="sweep", tick=10, owner="tower:77", started_at=now, finished_at=now))
    text = visitor.get("/admin/jobs/").text
    assert "No worker runs" not in text
    assert "No scheduler runs" not in text
    for words in ("tower 77", "busy", "exits, orders", "1</span> scheduler suggests these", "tower:77"):
        assert words in text, words
    assert text.count(">late</span>") == 0
    assert text.count("not yet") == 7, "only the sweep ever ran here"


def test_page_when_nightly_jobs_ran_then_says_how_they_ended_and_when_they_come(
    visitor: Visitor, redis: Redis
) -> None:
    now = utcnow()
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC)
    night = {"tick": int(midnight.timestamp()), "owner": "tower:77", "started_at": now}
    world.save(JobLease(job="verify_books", finished_at=now, **night))
    world.save(JobLease(job="verify_audit", **night))
    world.save(JobLease(job="update_analytics", **night))
    failed_job(redis, "verify_audit")
    # What the scheduler says in every hour of a day that is done.
    for name in ("verify_books", "verify_audit", "update_analytics"):
        redis.zadd(
            Scheduler.scheduled_jobs_key, {schedule_id(name): (now + timedelta(minutes=1)).timestamp()}
        )
    text = visitor.get("/admin/jobs/").text
    rows = {name: text[text.index(f'class="head text">{KINDS[name].does}</td>') :].partition("</tr>")[0]
            for name in ("verify_books", "verify_audit", "update_analytics")}  # fmt: skip
    tomorrow = f"{midnight + timedelta(days=1):%Y-%m-%d} 00:05:00 UTC"
    assert ">ended well</span>" in rows["verify_books"]
    assert tomorrow in rows["verify_books"]
    assert ">did not end well</span>" in rows["verify_audit"]
    assert ":05:00 UTC" in rows["verify_audit"]
    assert tomorrow not in rows["verify_audit"] or now.hour >= 22
    assert ">running</span>" in rows["update_analytics"]


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.again])
def test_failed_job_when_run_again_twice_then_is_asked_for_once_and_audited(
    visitor: Visitor, redis: Redis, name: str
) -> None:
    which = failed_job(redis, name, 7)
    assert "Its worker was killed" in visitor.get("/admin/jobs/").text
    first = visitor.post("/admin/jobs/redrive", which, follow_redirects=True)
    assert "asked for again" in first.text
    second = visitor.post("/admin/jobs/redrive", which, follow_redirects=True)
    assert "not among the failed ones any more" in second.text
    assert failures(redis) == 0
    (asked,) = waiting(redis, which["queue"])
    assert asked.startswith(f"{name.replace('_', '-')}-7-")
    assert asked != which["job_id"]
    assert [each["job"] for each in audited("portal.job.redriven")] == [name]


def test_failed_job_when_two_people_click_at_once_then_is_asked_for_once(app: Flask, redis: Redis) -> None:
    which = failed_job(redis, "run_execution", 7)
    barrier = Barrier(4)
    done: list[Call | PortalError] = []

    def click() -> None:
        barrier.wait()
        try:
            done.append(redrive.redrive(redis, which["queue"], which["job_id"]))
        except PortalError as error:
            done.append(error)

    threads = [Thread(target=click) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(isinstance(each, Call) for each in done) == 1
    assert len(waiting(redis, "orders")) == 1


def test_job_when_it_is_foreign_unknown_or_useless_to_repeat_then_is_refused_and_nothing_is_queued(
    visitor: Visitor, redis: Redis
) -> None:
    redis.hset(keys.job("evil"), mapping={"data": '["os.system", null, ["rm"], {}]', "description": CANARY})
    fail(redis, "orders", "evil", "Refused, nothing was run: 'os.system' is not a job of this portal.")
    text = visitor.get("/admin/jobs/").text
    assert "none of our jobs" in text
    assert 'value="evil"' in text
    for which, words in (
        ({"queue": "orders", "job_id": "evil"}, "none of our jobs, and is never run"),
        ({"queue": "orders", "job_id": "nobody"}, "not among the failed ones"),
        ({"queue": "elsewhere", "job_id": "evil"}, "no such queue"),
        ({}, "no such queue"),
        (failed_job(redis, "sweep", 1), "not asked for by hand"),
    ):
        answer = visitor.post("/admin/jobs/redrive", which, follow_redirects=True)
        assert words in answer.text, which
    assert failures(redis) == 2
    assert [waiting(redis, queue) for queue in QUEUES] == [[]] * len(QUEUES)
    assert audited("portal.job.redriven") == []
    visitor.post("/admin/jobs/forget", {"queue": "orders", "job_id": "evil"})
    assert failures(redis) == 1
    assert not redis.exists(keys.job("evil"))


def test_list_of_failures_when_cleared_then_only_it_is_gone(visitor: Visitor, redis: Redis) -> None:
    for number in range(3):
        failed_job(redis, "run_execution", number + 1)
    failed_job(redis, "check_connection", 1)
    queues.enqueue("run_execution", 9)
    assert "4 failed jobs are off the list" in visitor.post("/admin/jobs/clear", follow_redirects=True).text
    assert failures(redis) == 0
    assert len(waiting(redis, "orders")) == 1
    assert [each["count"] for each in audited("portal.job.all_cleared")] == [4]
    assert "No job had failed" in visitor.post("/admin/jobs/clear", follow_redirects=True).text


def test_texts_of_failures_when_they_hold_secrets_then_are_scrubbed(visitor: Visitor, redis: Redis) -> None:
    failed_job(redis, "check_connection", 1, LEAK)
    redis.hset(keys.job("odd"), mapping={"data": "x", "description": f"apiKey={CANARY} <script>"})
    fail(redis, "notify", "odd", "")
    text = visitor.get("/admin/jobs/").text
    assert "program error" in text
    assert "KeyError" in text
    for secret in (CANARY, "CANARY1", "<script>"):
        assert secret not in text


def test_page_when_a_hundred_thousand_jobs_wait_then_reads_only_the_first(
    visitor: Visitor, redis: Redis
) -> None:
    first = [f"run-execution-{number}-x" for number in range(100_000)]
    for start in range(0, len(first), 10_000):
        redis.rpush(keys.queue("orders"), *first[start : start + 10_000])
        redis.zadd(
            keys.failed("orders"),
            dict.fromkeys(first[start : start + 10_000], utcnow().timestamp() + FAILURE_TTL),
        )
    before = redis.info("commandstats")["cmdstat_hmget"]["calls"]
    text = visitor.get("/admin/jobs/").text
    assert text.count("100,000") >= 2
    assert len(text) < 100_000
    asked = redis.info("commandstats")["cmdstat_hmget"]["calls"] - before
    assert asked < 60


def test_page_when_records_in_redis_are_of_the_wrong_kind_then_still_shows_the_others(
    visitor: Visitor, redis: Redis
) -> None:
    redis.set(keys.job("wrong"), "a text")
    redis.rpush(keys.queue("orders"), "wrong", b"\xff\xfe")
    redis.sadd(keys.WORKERS, keys.job("wrong"))
    redis.hset(keys.job("late"), mapping={"ended_at": "yesterday", "data": b"\xff"})
    fail(redis, "orders", "late", "")
    redis.set(keys.results("late2"), "a text")
    redis.zadd(keys.failed("orders"), {"late2": utcnow().timestamp() + 100})
    queues.enqueue("run_execution", 99)
    answer = visitor.get("/admin/jobs/")
    assert answer.status_code == 200
    assert "number 99, not in the database" in answer.text


@pytest.mark.usefixtures("redis_away")
def test_page_when_redis_is_away_then_says_so_and_still_shows_the_ticks(visitor: Visitor) -> None:
    text = visitor.get("/admin/jobs/").text
    assert "Redis does not answer" in text
    assert "Look for what was left undone" in text
    assert visitor.post("/admin/jobs/clear").status_code == 302
