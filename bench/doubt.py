"""How long an order stays in doubt while the exchange answers: answers are lost, connections are cut, and the
time from the intent to "found" or "proved absent" is read from the rows."""

import os
from datetime import timedelta

import sqlalchemy as sa

from bench import accounts
from bench.figures import Result, percentile
from bench.floor import Floor, floor
from portal.db import db, end_read
from portal.models import Order, OrderQuestion
from portal.trading.proof import PROVED_ABSENT
from portal.trading.types import OrderState

#: Seconds within which 99 of 100 doubts should end.
AIM = 45.0
#: What happens to how many orders. The first is noticed after a time-out of ten seconds, the others at once.
TROUBLE = {"accept_no_answer": 0.05, "http_after": 0.15, "close_before_accept": 0.2}
_ROUNDS = 2
_PATIENCE = 240.0


def run(count: int, concurrency: int) -> list[Result]:
    """Two signals to `count` accounts, two orders in five in doubt, two workers and a scheduler."""
    with floor() as here:
        here.child("scheduler")
        keys = accounts.open_accounts(here, count, f"doubt-{os.urandom(2).hex()}")
        accounts.connect(here, keys)
        here.workers(2, concurrency)
        for kind, share in TROUBLE.items():
            here.sandbox.add_fault(kind, probability=share)
        for _ in range(_ROUNDS):
            accounts.wait_settled(accounts.publish(here), _PATIENCE)
        return [_result(here, count)]


def _result(here: Floor, count: int) -> Result:
    found, absent = _seconds_to_found(), _seconds_to_absent()
    told = Result(f"Orders in doubt, {count} accounts, {_ROUNDS} signals", "the aim of reliability: 45 s")
    for name, seconds in (("found", found), ("proved absent", absent)):
        if seconds:
            told.add(f"{name}: half of {len(seconds)} within", percentile(seconds, 0.5), "s")
            told.add(f"{name}: 99 of 100 within", percentile(seconds, 0.99), "s", aim=AIM)
            told.add(f"{name}: the last after", max(seconds), "s")
    fired = {fault["kind"]: int(fault["fired"]) for fault in here.sandbox.faults()}
    told.notes.append(f"Faults at the exchange: {fired}")
    told.notes.append(f"Questions asked: {_questions()}; orders left in doubt: {_left()}")
    return told


def _seconds_to_found() -> list[float]:
    asked = sa.exists().where(OrderQuestion.order_id == Order.id)
    return _read(Order.acknowledged_at - Order.sent_at, asked, Order.acknowledged_at.is_not(None))


def _seconds_to_absent() -> list[float]:
    return _read(Order.closed_at - Order.sent_at, Order.error_code == PROVED_ABSENT)


def _read(span: sa.ColumnElement[timedelta], *which: sa.ColumnElement[bool]) -> list[float]:
    rows = db.session.execute(sa.select(sa.extract("epoch", span)).where(*which)).scalars()
    seconds = [float(each) for each in rows]
    end_read()
    return seconds


def _questions() -> int:
    return _count(sa.select(sa.func.count()).select_from(OrderQuestion))


def _left() -> int:
    return _count(sa.select(sa.func.count()).where(Order.state == OrderState.UNRESOLVED))


def _count(statement: sa.Select[tuple[int]]) -> int:
    number = int(db.session.execute(statement).scalar_one())
    end_read()
    return number
