"""The budget that all processes share: counted in a real Redis, by the rule that nobody gets more than it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from redis import Redis

from portal.config import Settings
from portal.exchanges.budgets import BUDGETS, REQUESTS, Budget, Call, Scope, Window, budget_of
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.jobs.queues import connect
from portal.services.traffic import Pace, Ruling, Traffic
from portal.services.traffic_lanes import HELD, Purpose, Route, route

VENUE = "bitstamp"


@pytest.fixture
def redis(app: Flask, settings: Settings) -> Iterator[Redis]:
    """A client of its own, as another process would have."""
    with Redis.from_url(str(settings.redis_url)) as client:
        yield client


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Budget:
    """Ten requests per second and address, five per key; the key alone is meant by code 7."""
    small = Budget(Window(10, 1), Window(5, 1), account_codes=frozenset({"7"}))
    monkeypatch.setitem(BUDGETS, VENUE, small)
    return small


def way(connection_id: int | None = 1, api_key: str = "key", egress: str = "here") -> Route:
    return route(VENUE, egress, connection_id=connection_id, api_key=api_key if connection_id else "")


def ask(traffic: Traffic, to: Route, purpose: Purpose = Purpose.ROUTINE, cost: int = 1) -> Ruling:
    return traffic.ask(to, Call.BALANCES, purpose, *[cost] * len(to.lanes))


def fails(traffic: Traffic, to: Route, code: ErrorCode = ErrorCode.TIMEOUT, **more: object) -> None:
    ruling = ask(traffic, to, cost=0)
    error = ExchangeError(code, "no", outcome=Outcome.UNKNOWN, **more)  # type: ignore[arg-type]
    traffic.failed(to, Call.BALANCES, error, ruling)


def test_every_known_budget_leaves_a_reserve_and_has_a_cost_for_every_call() -> None:
    for name, budget in BUDGETS.items():
        for lane in route(name, "here", connection_id=1, api_key="k").lanes:
            routine, vital = lane.limit_for(Purpose.ROUTINE), lane.limit_for(Purpose.VITAL)
            assert 0 < routine < vital or lane.allowed.limit == 0, name
            assert all(lane.costs[call] > 0 for call in Call), name
        assert set(budget.weights) == set(Call)


def test_budget_when_asked_by_many_processes_at_once_is_not_overspent(redis: Redis, budget: Budget) -> None:
    processes = [Traffic(Redis(connection_pool=redis.connection_pool)) for _ in range(5)]
    public = way(None)
    with ThreadPoolExecutor(20) as pool:
        rulings = list(pool.map(lambda n: ask(processes[n % 5], public), range(50)))
    assert sum(ruling.wait == 0 for ruling in rulings) == 8, "80 % of ten"
    held = [ruling for ruling in rulings if ruling.wait]
    assert {ruling.reason for ruling in held} == {"budget"}
    assert all(0 < ruling.wait <= 1.2 for ruling in held)


def test_reserve_when_the_rest_is_spent_is_left_to_exits(redis: Redis, budget: Budget) -> None:
    traffic, public = Traffic(redis), way(None)
    while not ask(traffic, public).wait:
        pass
    assert ask(traffic, public, Purpose.ENTRY).wait > 0
    assert [ask(traffic, public, Purpose.VITAL).wait for _ in range(2)] == [0, 0]
    assert ask(traffic, public, Purpose.VITAL).wait > 0, "the venue's own limit holds for exits too"


def test_budget_when_the_wait_that_was_named_is_over_has_room_again(redis: Redis, budget: Budget) -> None:
    traffic, public = Traffic(redis), way(None)
    assert ask(traffic, public, cost=8).wait == 0
    wait = ask(traffic, public).wait
    assert 0.9 < wait <= 1.2
    stop = time.monotonic() + wait + 0.02
    while time.monotonic() < stop:
        time.sleep(0.01)
    assert ask(traffic, public, cost=8).wait == 0


def test_key_when_its_own_budget_is_spent_is_held_back_and_spends_nothing_of_the_address(
    redis: Redis, budget: Budget
) -> None:
    traffic = Traffic(redis)
    assert [ask(traffic, way(1, "a")).wait > 0 for _ in range(5)] == [False] * 4 + [True]
    assert [ask(traffic, way(2, "a")).wait > 0 for _ in range(3)] == [True] * 3, "one key, one budget"
    assert [ask(traffic, way(3, "b")).wait > 0 for _ in range(4)] == [False] * 4, "four of eight were left"
    assert ask(traffic, way(4, "c")).wait > 0
    assert ask(traffic, way(4, "c", egress="there")).wait == 0, "another address has a budget of its own"


def test_more_than_a_whole_budget_at_once_is_let_through_when_nothing_else_is(
    redis: Redis, budget: Budget
) -> None:
    traffic, public = Traffic(redis), way(None)
    assert ask(traffic, public, cost=50).wait == 0
    assert ask(traffic, public).wait > 0


def test_pause_when_a_venue_asks_for_one_holds_back_everybody_but_other_addresses(
    redis: Redis, budget: Budget
) -> None:
    traffic, other_process = Traffic(redis), Traffic(redis)
    fails(traffic, way(1, "a"), ErrorCode.RATE_LIMITED, retry_after=30)
    for who in (traffic, other_process):
        for purpose in Purpose:
            ruling = ask(who, way(2, "b"), purpose)
            assert ruling.reason == "pause"
            assert 28 < ruling.wait <= 30
    assert ask(other_process, way(2, "b", egress="there")).wait == 0
    assert redis.zcard(HELD) == 1


def test_pause_when_it_concerns_one_key_leaves_the_others_alone(redis: Redis, budget: Budget) -> None:
    traffic, other_process = Traffic(redis), Traffic(redis)
    fails(traffic, way(1, "a"), ErrorCode.RATE_LIMITED, retry_after=30, venue_code="7")
    assert ask(other_process, way(5, "a")).reason == "pause"
    assert ask(other_process, way(2, "b")).wait == ask(traffic, way(2, "b")).wait == 0


def test_pause_when_a_shorter_one_follows_is_not_shortened(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis)
    fails(traffic, way(), ErrorCode.RATE_LIMITED, retry_after=60)
    ruling = Ruling()
    error = ExchangeError(ErrorCode.RATE_LIMITED, "no", outcome=Outcome.UNKNOWN, retry_after=1)
    traffic.failed(way(), Call.BALANCES, error, ruling)
    assert ask(Traffic(redis), way()).wait > 50
    assert ask(traffic, way()).wait > 50


QUICK = Pace(spacing=0.2, first=0.3, longest=0.6, forget=5)


def wait_for(seconds: float) -> None:
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        time.sleep(0.01)


def test_breaker_when_the_venue_fails_again_and_again_opens_for_all_accounts(
    redis: Redis, budget: Budget
) -> None:
    traffic = Traffic(redis)
    for number in range(8):
        assert ask(traffic, way(100, "x"), cost=0).wait == 0, number
        fails(traffic, way(number + 1, f"k{number}"))
    ruling = ask(Traffic(redis), way(100, "x"))
    assert ruling.reason == "breaker"
    assert 9 < ruling.wait <= 10


def test_breaker_of_one_connection_leaves_the_others_alone(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis)
    for _ in range(5):
        fails(traffic, way(1, "a"))
    assert ask(traffic, way(1, "a")).reason == "breaker"
    assert ask(traffic, way(2, "b")).wait == 0


def test_success_between_failures_starts_the_count_anew(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis)
    for _ in range(5):
        for _ in range(4):
            fails(traffic, way(1, "a"))
        assert ask(traffic, way(1, "a"), cost=0).troubled
        traffic.worked(way(1, "a"))
    assert ask(traffic, way(1, "a"), cost=0) == Ruling()


def test_refusal_with_the_venues_own_code_is_an_answer(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis)
    for _ in range(4):
        fails(traffic, way(1, "a"))
    fails(traffic, way(1, "a"), ErrorCode.INSUFFICIENT_FUNDS, venue_code="-2010")
    fails(traffic, way(1, "a"))
    assert ask(traffic, way(1, "a"), cost=0).wait == 0


def test_maintenance_opens_the_breaker_of_the_venue_at_once(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis)
    fails(traffic, way(1, "a"), ErrorCode.MAINTENANCE)
    assert ask(traffic, way(2, "b")).reason == "breaker"


def test_open_breaker_lets_one_probe_through_and_closes_on_its_success(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis, QUICK)
    fails(traffic, way(1, "a"), ErrorCode.MAINTENANCE)
    wait_for(0.35)
    processes = [Traffic(redis, QUICK) for _ in range(4)]
    with ThreadPoolExecutor(20) as pool:
        rulings = list(pool.map(lambda n: ask(processes[n % 4], way(2, "b"), cost=0), range(40)))
    (probe,) = [ruling for ruling in rulings if ruling.wait == 0]
    assert probe.probing
    traffic.worked(way(2, "b"))
    assert ask(traffic, way(1, "a"), cost=0) == Ruling()
    assert redis.zcard(HELD) == 0, "nothing is listed as held back any more"


def test_open_breaker_when_probes_fail_stays_open_longer_each_time_but_vital_ones_keep_their_pace(
    redis: Redis, budget: Budget
) -> None:
    traffic = Traffic(redis, QUICK)
    maintenance = ExchangeError(ErrorCode.MAINTENANCE, "no", outcome=Outcome.UNKNOWN)
    fails(traffic, way(1, "a"), ErrorCode.MAINTENANCE)
    waits = []
    for _ in range(3):
        ruling = ask(traffic, way(1, "a"), Purpose.VITAL, cost=0)
        assert 0 < ruling.wait <= 0.2
        waits.append(ask(traffic, way(1, "a"), cost=0).wait)
        wait_for(ruling.wait + 0.02)
        ruling = ask(traffic, way(1, "a"), Purpose.VITAL, cost=0)
        assert ruling.probing
        traffic.failed(way(1, "a"), Call.BALANCES, maintenance, ruling)
    assert waits[0] < waits[1]
    assert max(waits) <= 0.6


def test_failures_that_were_under_way_when_the_breaker_opened_do_not_prolong_it(
    redis: Redis, budget: Budget
) -> None:
    traffic = Traffic(redis)
    rulings = [ask(traffic, way(1, "a"), cost=0) for _ in range(20)]
    error = ExchangeError(ErrorCode.NETWORK, "no", outcome=Outcome.UNKNOWN)
    for ruling in rulings:
        traffic.failed(way(1, "a"), Call.BALANCES, error, ruling)
    assert ask(traffic, way(1, "a"), cost=0).wait <= 10


def test_lost_answer_to_an_order_opens_nothing(redis: Redis, budget: Budget) -> None:
    traffic = Traffic(redis)
    error = ExchangeError(ErrorCode.TIMEOUT, "no", outcome=Outcome.UNKNOWN)
    for _ in range(30):
        traffic.failed(way(1, "a"), Call.PLACE, error, Ruling())
    assert ask(traffic, way(1, "a"), cost=0) == Ruling()


def test_without_redis_exits_pass_and_the_rest_has_a_small_budget_and_pauses_hold(
    app: Flask, budget: Budget
) -> None:
    nowhere = connect("redis://127.0.0.1:9/0")
    traffic, public = Traffic(nowhere), way(None)
    assert [ask(traffic, public).wait > 0 for _ in range(4)] == [False, False, True, True], "a quarter of ten"
    assert [ask(traffic, public, Purpose.VITAL).wait for _ in range(20)] == [0] * 20
    error = ExchangeError(ErrorCode.RATE_LIMITED, "no", outcome=Outcome.UNKNOWN, retry_after=30)
    traffic.failed(public, Call.BALANCES, error, Ruling())
    assert ask(traffic, public, Purpose.VITAL).reason == "pause"


def test_redis_when_away_is_not_waited_for_by_every_call(app: Flask, budget: Budget) -> None:
    nowhere = connect("redis://127.0.0.1:9/0")
    traffic, public = Traffic(nowhere), way(None)
    started = time.monotonic()
    threads = [threading.Thread(target=ask, args=(traffic, public, Purpose.VITAL)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(1000):
        ask(traffic, public, Purpose.VITAL)
    assert time.monotonic() - started < 1.5


def test_venues_that_nobody_looked_at_have_a_modest_budget() -> None:
    unknown = budget_of("not-a-venue")
    assert unknown.address.limit / unknown.address.seconds <= 10
    assert unknown.scope_of("anything") is Scope.ADDRESS
    assert replace(unknown, account_codes=frozenset({"5"})).scope_of("5") is Scope.ACCOUNT
    assert REQUESTS[Call.FIND] > 1
