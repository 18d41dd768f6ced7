"""Faults of the intake, over real HTTP: repeats, contradictions, floods, and Redis away (F1–F6, F12)."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis
from werkzeug.serving import make_server

from portal import create_app
from portal.api import limits
from portal.config import Settings
from portal.db import db, transaction
from portal.jobs import keys
from portal.jobs.table import ORDERS
from portal.models import AuditEntry, Execution, Signal, User
from portal.services import signals
from tests import world
from tests.api.conftest import Caller, MakeCaller

BUY = "symbol=BTCUSDT\nside=buy\nprice={}"
Post = Callable[[str, str], tuple[int, Any]]


@contextmanager
def served(app: Flask) -> Iterator[Post]:
    """The portal behind a real server with threads; the answer posts to it."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def post(path: str, body: str) -> tuple[int, Any]:
        link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        try:
            link.request("POST", path, body.encode())
            answer = link.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            link.close()

    try:
        yield post
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook(as_admin: Caller, admin: User) -> str:
    for name in ("one", "two"):
        world.make_connection(admin, name)
    db.session.remove()
    return f"/hooks/tradingview/{as_admin.token}"


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "hook", 100_000)


def test_f01_webhooks_when_each_comes_several_times_at_once_are_one_signal_each(
    app: Flask, hook: str, generous: None
) -> None:
    """A hundred alerts, each delivered two to eight times by eight senders at once, in any order."""
    sent = [number for number in range(100) for _ in range(2 + number % 7)]
    sent.sort(key=lambda number: number * 7919 % 101)
    with served(app) as post, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: (number, *post(hook, BUY.format(number + 1))), sent))
    assert {status for _, status, _ in answers} == {200, 201}
    named: dict[int, set[int]] = {}
    for number, _, body in answers:
        named.setdefault(number, set()).add(body["id"])
    assert [len(ids) for ids in named.values()] == [1] * 100, "every sender of one alert was told the same id"
    assert (world.count(Signal), world.count(Execution)) == (100, 200)


def test_f02_key_when_it_comes_with_other_content_is_refused_by_all_who_try_and_remembered(
    app: Flask, hook: str, generous: None
) -> None:
    with served(app) as post, ThreadPoolExecutor(6) as pool:
        tries = [f"{BUY.format(1 + number % 3)}\nid=a1" for number in range(12)]
        answers = list(pool.map(lambda body: post(hook, body), tries))
    refused = [body for status, body in answers if status == 409]
    assert sorted({status for status, _ in answers}) == [200, 201, 409]
    assert len(refused) == 8, "one of three contents was first"
    assert all("nothing was published" in body["error"]["message"] for body in refused)
    assert (world.count(Signal), world.count(Execution)) == (1, 2)
    entries = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "portal.signal.refused")
    ).all()
    assert len(entries) == 8
    assert {(entry.object_id, entry.actor) for entry in entries} == {(1, "admin@example.org")}


def test_f03_webhook_when_redis_is_down_answers_within_half_a_second_at_the_99th_percentile(
    app: Flask, hook: str, settings: Settings
) -> None:
    lame = create_app(replace(settings, redis_url="redis://127.0.0.1:1/0"))
    seconds = []
    try:
        with served(lame) as post:
            for number in range(100):
                started = time.monotonic()
                assert post(hook, BUY.format(number + 1))[0] == 201
                seconds.append(time.monotonic() - started)
    finally:
        with lame.app_context():
            db.engine.dispose()
    assert statistics.quantiles(seconds, n=100)[98] < 0.5
    assert (world.count(Signal), world.count(Execution)) == (100, 200), "nothing was lost"


def test_f05_publication_when_it_is_rolled_back_a_thousand_times_leaves_no_job_and_no_row(
    app: Flask, admin: User
) -> None:
    world.make_connection(admin)
    redis: Redis = app.extensions["portal_redis"]
    author = admin.id
    for turn in range(1000):
        with pytest.raises(ZeroDivisionError), transaction() as session:
            signal = world.Signal(author_id=author, currency_pair="BTC/USDT", direction=world.Side.BUY)
            session.add(signal)
            session.flush()
            if turn % 10 == 0:
                with session.begin_nested():  # a savepoint's release looks like a commit to a careless hook
                    signal.is_published = True
                    session.flush()
            else:
                signal.is_published = True
                session.flush()
            raise ZeroDivisionError
    assert redis.dbsize() == 0
    assert (world.count(Signal), world.count(Execution)) == (0, 0)


def test_f06_job_when_a_worker_takes_it_at_once_finds_its_row_ten_thousand_times(
    app: Flask, admin: User
) -> None:
    connections, publications = 200, 50
    for number in range(connections):
        db.session.add(world.ExecutionConnection(
            name=f"a{number}", exchange_name="sandbox", is_admin_owned=True, admin_id=admin.id
        ))  # fmt: skip
    db.session.commit()
    found: list[int] = []
    missing: list[int] = []
    over = threading.Event()

    def take() -> None:
        redis: Redis = app.extensions["portal_redis"]
        with app.app_context():
            while not over.is_set() or redis.llen(keys.queue(ORDERS)):
                ids = [int(each.split(b"-")[2]) for each in redis.lpop(keys.queue(ORDERS), 50) or ()]
                if not ids:
                    continue
                rows = set(db.session.scalars(sa.select(Execution.id).where(Execution.id.in_(ids))))
                db.session.rollback()
                found.extend(rows)
                missing.extend(set(ids) - rows)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(publications):
            data = {"currency_pair": "BTC/USDT", "direction": "buy", "dedupe_key": f"k{number}"}
            signals.submit(data, author=db.session.get_one(User, admin.id), source="api", publish=True)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert missing == []
    assert len(set(found)) == connections * publications


def test_f12_flood_on_one_token_is_refused_after_its_limit_and_harms_nobody_else(
    app: Flask, hook: str, calling: MakeCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within one window: the minute must not change under the test.
    now = time.time() // 60 * 60 + 30
    monkeypatch.setattr(limits.time, "time", lambda: now)
    other = f"/hooks/tradingview/{calling(world.make_admin('second@example.org')).token}"
    db.session.remove()
    with served(app) as post, ThreadPoolExecutor(3) as pool:
        calm = [timed(lambda n=n: post(other, BUY.format(n + 1))) for n in range(40)]
        flood = [pool.submit(post, hook, BUY.format(number + 1)) for number in range(400)]
        stormy = [timed(lambda n=n: post(other, BUY.format(n + 101))) for n in range(40)]
        answers = [future.result() for future in flood]
    statuses = [status for status, _ in answers]
    assert statuses.count(201) == limits.PER_MINUTE["hook"]
    assert statuses.count(429) == len(statuses) - limits.PER_MINUTE["hook"]
    assert "was not done" in next(body for status, body in answers if status == 429)["error"]["message"]
    assert [answer[0] for answer, _ in calm + stormy] == [201] * 80
    assert max(seconds for _, seconds in stormy) < 2
    assert world.count(Signal) == 80 + limits.PER_MINUTE["hook"]


def timed(work: Callable[[], tuple[int, Any]]) -> tuple[tuple[int, Any], float]:
    started = time.monotonic()
    return work(), time.monotonic() - started
