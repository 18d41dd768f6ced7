"""Job functions for the tests of the worker, with a table of their own. They leave their marks in Redis."""

import socket
import threading
import time

from redis import Redis

from portal.jobs.table import DEFAULT, EXITS, NOTIFY, ORDERS, WATCH, JobSpec

HERE = "tests.jobs.sample_jobs"

TABLE = {
    "exit": JobSpec(f"{HERE}.mark_exit", EXITS, 5),
    "order": JobSpec(f"{HERE}.mark_order", ORDERS, 5),
    "watch": JobSpec(f"{HERE}.mark_watch", WATCH, 5),
    "meet": JobSpec(f"{HERE}.meet", DEFAULT, 5),
    "hold": JobSpec(f"{HERE}.hold", ORDERS, 30),
    "spin": JobSpec(f"{HERE}.spin", DEFAULT, 1),
    "stubborn": JobSpec(f"{HERE}.stubborn", DEFAULT, 1),
    "listen": JobSpec(f"{HERE}.listen", DEFAULT, 1),
    "fail": JobSpec(f"{HERE}.fail", DEFAULT, 5),
    "flaky": JobSpec(f"{HERE}.flaky", NOTIFY, 5, retry_delays=(0, 0)),
    "spread": JobSpec(f"{HERE}.mark_spread", DEFAULT, 5, spread_seconds=1),
}

_redis: list[Redis] = []


def use_redis(client: Redis) -> None:
    _redis[:] = [client]


def marks(client: Redis) -> list[str]:
    """What was run so far, in order."""
    return [mark.decode() for mark in client.lrange("marks", 0, -1)]


def _mark(text: str) -> None:
    _redis[0].rpush("marks", text)


def mark_exit(row: int) -> None:
    _mark(f"exit {row}")


def mark_order(row: int) -> None:
    _mark(f"order {row}")


def mark_watch(row: int) -> None:
    _mark(f"watch {row}")


def mark_spread(row: int) -> None:
    _mark(f"spread {row}")


def meet(parties: int) -> None:
    """Ends only if so many of it run at the same time."""
    _redis[0].incr("present")
    deadline = time.monotonic() + 3
    while int(_redis[0].get("present") or 0) < parties:
        if time.monotonic() > deadline:
            raise AssertionError("the others did not come")
        time.sleep(0.01)
    _mark("met")


def hold(row: int) -> None:
    """Runs until the test sets the key `release`."""
    _mark(f"holding {row}")
    while not _redis[0].exists("release"):
        time.sleep(0.01)
    _mark(f"released {row}")


def spin(row: int) -> None:
    """A loop in Python that would never end."""
    _mark(f"spinning {row}")
    while True:
        time.sleep(0.001)


def stubborn(row: int) -> None:
    """The same, and it swallows the interruption."""
    _mark(f"stubborn {row} in {threading.get_ident()}")
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            _mark(f"swallowed {row}")


def listen(row: int) -> None:
    """Sits in a system call, where no exception of Python reaches it, until its own time-out."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(3)
        _mark(f"listening {row}")
        try:
            ours.recv(1)
        except TimeoutError:
            _mark(f"heard nothing {row}")


def fail(row: int) -> None:
    _mark(f"fail {row}")
    raise RuntimeError("the venue said api_key=0123456789abcdef is wrong")


def flaky(row: int) -> None:
    """Works at the second attempt."""
    if _redis[0].incr(f"attempts {row}") < 2:
        raise ConnectionError("not yet")
    _mark(f"flaky {row}")
