"""kill -9 and SIGSTOP at each crash point of the order protocol, on real processes: one order or the proof of
none, nothing lost, the position protected, the books those of the exchange."""

import json
import signal
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bench.children import until
from bench.crash_points import CLOSE, ENTRY, GUARD, KILL, LATE, POINTS, STOP, Strike
from bench.floor import Floor
from portal.db import db, end_read
from portal.models import ExecutionLog, Signal
from portal.services import positions, sweeper
from portal.trading.types import ExecutionStatus, OrderState, PositionStatus
from tests.crash.scene import SPOT, SWAP, Scene, quiet_floor

pytestmark = pytest.mark.timeout(110)

struck_by = pytest.mark.parametrize("blow", [KILL, STOP])


@pytest.fixture(scope="module")
def here() -> Iterator[Floor]:
    with quiet_floor() as opened:
        yield opened


def signals(key: str) -> int:
    end_read()
    wanted = sa.select(sa.func.count()).select_from(Signal).where(Signal.dedupe_key == key)
    return db.session.scalar(wanted) or 0


def webhook(here: Floor, scene: Scene, strike: Strike | None = None) -> int:
    """Deliver the scene's webhook, to a process that is struck or not. Returns its exit code."""
    data = {"currency_pair": "BTC/USDT", "direction": "buy", "sl": "50000", "dedupe_key": scene.name}
    return here.fork("publish", json.dumps(data), strike=strike).wait()


def queued(here: Floor) -> int:
    return int(here.redis.llen("rq:queue:orders"))  # type: ignore[arg-type]


def assert_one_filled_entry(scene: Scene) -> None:
    assert [each.status for each in scene.executions()] == [ExecutionStatus.FILLED]
    assert [each.status for each in scene.positions()] == [PositionStatus.OPEN]
    scene.judge()


def test_points_of_the_table_name_functions_that_exist() -> None:
    assert list(POINTS) == [f"C{number:02}" for number in range(1, 17)]
    for point in POINTS.values():
        assert callable(point.find()[2]), point


def test_f13_c01_publisher_when_killed_before_its_commit_then_nothing_happened_and_the_repeat_trades_once(
    here: Floor,
) -> None:
    scene = Scene(here)
    assert webhook(here, scene, Strike("C01")) == -signal.SIGKILL
    assert (signals(scene.name), scene.executions(), queued(here), scene.requests()) == (0, [], 0, 0)
    assert webhook(here, scene) == 0
    scene.worker()
    scene.settle()
    assert_one_filled_entry(scene)


def test_f07_f13_c02_publisher_when_killed_before_it_asked_for_jobs_then_the_sweeper_starts_them(
    here: Floor,
) -> None:
    scene = Scene(here)
    assert webhook(here, scene, Strike("C02")) == -signal.SIGKILL
    assert (signals(scene.name), len(scene.executions()), queued(here)) == (1, 1, 0)
    scene.later(20)
    scene.worker()
    scene.settle()
    assert_one_filled_entry(scene)


def test_f08_f13_f16_c03_publisher_when_killed_after_it_asked_for_jobs_then_two_jobs_make_one_order(
    here: Floor,
) -> None:
    scene = Scene(here)
    assert webhook(here, scene, Strike("C03")) == -signal.SIGKILL
    assert webhook(here, scene) == 0, "the sender was never told and delivers again"
    assert (signals(scene.name), queued(here)) == (1, 1)
    scene.later(20)
    sweeper.sweep()
    assert queued(here) == 2
    scene.worker()
    scene.worker()
    scene.settle()
    until("The end of both jobs", lambda: not queued(here), 10)
    assert_one_filled_entry(scene)


@struck_by
@pytest.mark.parametrize("point", ["C04", "C05"])
def test_f13_f14_f15_c04_c05_worker_when_struck_before_its_intent_then_another_sends_and_it_does_not(
    here: Floor, point: str, blow: str
) -> None:
    scene = Scene(here)
    struck = scene.strike(point, blow)
    assert (scene.orders(), scene.requests()) == ([], 0), "nothing was intended"
    scene.take_over(struck)
    entry, guard = scene.taken()
    assert (scene.requests(), guard.trigger_price > 0) == (2, True), "the woken worker asked for nothing"
    assert_one_filled_entry(scene)


@struck_by
@pytest.mark.parametrize("point", ["C06", "C07", "C08", "C09"])
def test_f13_f14_c06_c07_c08_c09_worker_when_struck_before_the_exchange_took_it_then_absence_is_proved_first(
    here: Floor, point: str, blow: str
) -> None:
    scene = Scene(here)
    struck = scene.strike(point, blow, ENTRY if point > "C06" else None)
    assert [each.state for each in scene.orders()] == [OrderState.IN_FLIGHT]
    assert scene.taken() == []
    scene.take_over(struck)
    first, second, guard = scene.orders()
    assert (first.state, first.error_code) == (OrderState.NOT_PLACED, "PROVED_ABSENT")
    assert (second.state, second.generation) == (OrderState.FILLED, 1)
    assert guard.is_guard
    assert_one_filled_entry(scene)


@struck_by
@pytest.mark.parametrize("point", ["C10", "C11"])
def test_f13_f14_c10_c11_worker_when_struck_after_the_exchange_took_it_then_it_is_found_and_not_sent_again(
    here: Floor, point: str, blow: str
) -> None:
    scene = Scene(here)
    struck = scene.strike(point, blow, ENTRY)
    assert [each.state for each in scene.orders()] == [OrderState.IN_FLIGHT]
    assert len(scene.taken()) == 1
    scene.take_over(struck)
    assert [each.is_guard for each in scene.orders()] == [False, True]
    assert_one_filled_entry(scene)


@struck_by
def test_f13_c12_asker_when_struck_with_the_answer_in_hand_then_it_is_asked_again(
    here: Floor, blow: str
) -> None:
    scene = Scene(here)
    here.sandbox.add_fault("accept_no_answer", account=scene.name, count=1)
    struck = scene.strike("C12", blow)
    assert [each.state for each in scene.orders()] == [OrderState.UNRESOLVED]
    scene.take_over(struck)
    assert_one_filled_entry(scene)


@struck_by
@pytest.mark.parametrize("point", ["C13", "C14"])
def test_f13_f14_c13_c14_worker_when_struck_around_the_proof_of_absence_then_one_second_order_follows(
    here: Floor, point: str, blow: str
) -> None:
    scene = Scene(here)
    here.sandbox.add_fault("close_before_accept", account=scene.name, count=1)
    strike = Strike(point, blow)
    struck = scene.worker(strike)
    scene.publish()
    until("The doubt", lambda: [each.state for each in scene.orders()] == [OrderState.UNRESOLVED], 20)
    scene.later()
    sweeper.sweep()
    scene.struck(struck, strike)
    expected = OrderState.UNRESOLVED if point == "C13" else OrderState.NOT_PLACED
    assert [each.state for each in scene.orders()] == [expected]
    scene.take_over(struck)
    assert [each.generation for each in scene.orders() if not each.is_guard] == [0, 1]
    assert_one_filled_entry(scene)


@struck_by
def test_f13_f50_c15_worker_when_struck_between_fills_and_position_then_neither_is_there_or_both(
    here: Floor, blow: str
) -> None:
    scene = Scene(here)
    struck = scene.strike("C15", blow)
    assert (scene.fills(), scene.positions()) == ([], []), "one transaction: nothing of it is to be seen"
    assert len(scene.taken()) == 1
    # Frozen, it holds the row: others fail on the lock instead of waiting for ever.
    scene.take_over(struck, at_once=blow == STOP)
    assert_one_filled_entry(scene)


@pytest.mark.parametrize(
    ("point", "blow"),
    [("C16", KILL), ("C16", STOP), ("C08", STOP), ("C09", KILL), ("C10", KILL), ("C10", STOP), ("C11", KILL)],
)
def test_f13_f14_c16_worker_when_struck_while_it_places_the_stop_then_there_is_exactly_one_in_the_end(
    here: Floor, point: str, blow: str
) -> None:
    scene = Scene(here, SWAP)
    struck = scene.strike(point, blow, None if point == "C16" else GUARD)
    assert [each.status for each in scene.positions()] == [PositionStatus.OPEN]
    assert len(scene.taken(GUARD)) == (point in ("C10", "C11"))
    scene.take_over(struck)
    assert len(scene.taken(GUARD)) == 1
    assert_one_filled_entry(scene)


@pytest.mark.parametrize(
    ("exchange", "point", "blow"),
    [(SPOT, "C08", KILL), (SPOT, "C11", STOP), (SWAP, "C08", STOP), (SWAP, "C10", KILL), (SWAP, "C11", STOP)],
)
def test_f13_f52_worker_when_struck_while_it_closes_then_the_position_is_closed_once_and_never_turns(
    here: Floor, exchange: str, point: str, blow: str
) -> None:
    scene = Scene(here, exchange)
    first = scene.worker()
    scene.publish()
    scene.settle()
    first.stop()
    strike = Strike(point, blow, kind=CLOSE)
    struck = scene.worker(strike)
    [position] = scene.positions()
    end_read()
    positions.request_close(position.id, actor="crash test")
    scene.struck(struck, strike)
    scene.take_over(struck)
    assert [each.status for each in scene.positions()] == [PositionStatus.CLOSED]
    assert len(scene.taken(CLOSE)) == 1
    assert 0 <= scene.held() < scene.positions()[0].lot_size
    scene.judge()


@pytest.mark.parametrize("point", ["C08", "C09", "C10"])
def test_f18_job_when_its_time_limit_strikes_inside_the_request_then_the_order_is_in_doubt_and_never_rejected(
    here: Floor, point: str
) -> None:
    scene = Scene(here)
    strike = Strike(point, LATE, kind=ENTRY)
    worker = scene.worker(strike)
    scene.publish()
    until("The limit", lambda: here.nursery.blow(worker.pid), 20)
    until("The doubt", lambda: told(scene, "unresolved"), 20)
    assert worker.running
    if point != "C10":
        scene.later()
    scene.settle()
    assert (told(scene, "unresolved"), told(scene, "rejected")) == (1, 0)
    assert_one_filled_entry(scene)


def told(scene: Scene, event: str) -> int:
    """How often the log of the scene's orders says so."""
    mine = [each.id for each in scene.orders()]
    end_read()
    wanted = sa.select(sa.func.count()).where(ExecutionLog.order_id.in_(mine), ExecutionLog.event == event)
    found = db.session.scalar(wanted) or 0
    end_read()
    return found
