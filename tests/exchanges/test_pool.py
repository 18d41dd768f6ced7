"""The pool lends an exchange object to one thread at a time, keeps it warm, and never mixes accounts up."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from portal.exchanges.base import Credentials
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.pool import ExchangePool
from portal.exchanges.registry import ExchangeSpec
from portal.trading.types import ConnectionMode

SPEC = ExchangeSpec(
    exchange_name="sandbox",
    mode=ConnectionMode.PAPER,
    credentials=Credentials({"apiKey": "a", "secret": "b"}),
)


@dataclass
class Opened:
    """Stands where an adapter would; the pool only opens and closes it."""

    spec: ExchangeSpec
    closed: bool = False

    def close(self) -> None:
        self.closed = True


@dataclass
class Workshop:
    """Opens objects and remembers them; tells the time."""

    opened: list[Opened] = field(default_factory=list)
    now: float = 0.0

    def open(self, spec: ExchangeSpec) -> Any:
        self.opened.append(Opened(spec))
        return self.opened[-1]

    def pool(self, **limits: Any) -> ExchangePool:
        return ExchangePool(opener=self.open, clock=lambda: self.now, **limits)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


def test_an_object_is_used_again_for_the_same_connection(workshop: Workshop) -> None:
    pool = workshop.pool()
    with pool.use(1, SPEC) as first:
        pass
    with pool.use(1, SPEC) as second:
        assert second is first
    assert len(workshop.opened) == 1


def test_connections_with_equal_credentials_do_not_share_an_object(workshop: Workshop) -> None:
    pool = workshop.pool()
    with pool.use(1, SPEC) as first, pool.use(2, SPEC) as second:
        assert first is not second


@pytest.mark.parametrize(
    "changed",
    [
        {"credentials": Credentials({"apiKey": "a", "secret": "rotated"})},
        {"settings": {"defaultType": "swap"}},
        {"base_url": "http://127.0.0.1:1"},
        {"mode": ConnectionMode.LIVE},
        {"timeout_seconds": 3.0},
    ],
)
def test_a_changed_connection_gets_a_new_object_and_the_old_one_is_closed(
    workshop: Workshop, changed: dict[str, Any]
) -> None:
    pool = workshop.pool()
    with pool.use(1, SPEC):
        pass
    with pool.use(1, replace(SPEC, **changed)) as second:
        assert second is workshop.opened[1]
    assert [opened.closed for opened in workshop.opened] == [True, False]


def test_an_object_that_is_lent_while_the_key_changes_is_closed_when_it_comes_back(
    workshop: Workshop,
) -> None:
    pool = workshop.pool()
    changed = replace(SPEC, credentials=Credentials({"apiKey": "a", "secret": "rotated"}))
    with pool.use(1, SPEC):
        with pool.use(1, changed):
            pass
        assert not workshop.opened[0].closed
    assert workshop.opened[0].closed
    with pool.use(1, changed) as again:
        assert again is workshop.opened[1]


def test_two_threads_on_one_connection_get_two_objects(workshop: Workshop) -> None:
    pool = workshop.pool()
    with pool.use(1, SPEC) as first, pool.use(1, SPEC) as second:
        assert first is not second
    with pool.use(1, SPEC):
        pass
    assert len(workshop.opened) == 2


def test_no_object_is_ever_with_two_threads_at_once(workshop: Workshop) -> None:
    pool = workshop.pool()
    busy: set[int] = set()
    clashes: list[int] = []

    def work() -> None:
        for number in range(200):
            with pool.use(number % 3, SPEC) as exchange:
                if id(exchange) in busy:
                    clashes.append(number)
                busy.add(id(exchange))
                busy.discard(id(exchange))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not clashes
    assert len(workshop.opened) <= 24


def test_a_venue_that_wants_its_requests_in_order_is_used_by_one_thread_at_a_time(workshop: Workshop) -> None:
    pool = workshop.pool()
    spec = replace(SPEC, exchange_name="kraken", mode=ConnectionMode.LIVE)
    entered = threading.Event()

    def second() -> None:
        with pool.use(1, spec):
            entered.set()

    thread = threading.Thread(target=second)
    with pool.use(1, spec):
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(5)
    thread.join()
    assert len(workshop.opened) == 1


def test_the_longest_unused_connections_are_closed_beyond_the_limit(workshop: Workshop) -> None:
    pool = workshop.pool(max_connections=2)
    for connection_id in (1, 2, 1, 3):
        with pool.use(connection_id, SPEC):
            pass
    assert [opened.closed for opened in workshop.opened] == [False, True, False]
    assert len(pool) == 2


def test_connections_unused_for_long_are_closed_and_used_ones_stay(workshop: Workshop) -> None:
    pool = workshop.pool(idle_seconds=60)
    with pool.use(1, SPEC):
        pass
    with pool.use(2, SPEC):
        workshop.now = 61
        with pool.use(3, SPEC):
            pass
    assert [opened.closed for opened in workshop.opened] == [True, False, False]


def test_an_object_survives_an_answer_of_the_venue_but_not_an_interruption(workshop: Workshop) -> None:
    pool = workshop.pool()
    refusal = ExchangeError(ErrorCode.REFUSED, "no", outcome=Outcome.NOT_PLACED)
    with pytest.raises(ExchangeError), pool.use(1, SPEC):
        raise refusal
    assert not workshop.opened[0].closed
    with pytest.raises(TimeoutError), pool.use(1, SPEC):
        raise TimeoutError
    assert workshop.opened[0].closed
    with pool.use(1, SPEC) as fresh:
        assert fresh is workshop.opened[1]


def test_a_forgotten_connection_is_closed(workshop: Workshop) -> None:
    pool = workshop.pool()
    with pool.use(1, SPEC):
        pass
    pool.forget(1)
    pool.forget(1)
    assert workshop.opened[0].closed
    assert len(pool) == 0


def test_closing_the_pool_closes_everything(workshop: Workshop) -> None:
    pool = workshop.pool()
    with pool.use(1, SPEC):
        with pool.use(2, SPEC):
            pass
        pool.close()
    assert all(opened.closed for opened in workshop.opened)


def test_a_refusal_to_open_leaves_the_pool_as_it_was() -> None:
    pool = ExchangePool(max_connections=1)
    for connection_id in (1, 2):
        with pytest.raises(ExchangeError), pool.use(connection_id, replace(SPEC, exchange_name="nosuch")):
            pytest.fail("nothing should have been lent")
    assert len(pool) == 1, "what was not lent makes room for the next"
