"""The paper ledger under threads, processes, kill -9 and a database that goes away: an order is accepted or
it is not, once."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.db import db, transaction
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper.accepting import accept
from portal.exchanges.paper.adapter import PaperExchange
from portal.exchanges.paper.prices import SharedPrices
from portal.exchanges.paper.settings import PaperSettings
from portal.models import (
    ExecutionConnection,
    PaperAccountRow,
    PaperBalanceRow,
    PaperFillRow,
    PaperOrderRow,
    User,
)
from portal.services.paper_ledger import PaperTables
from tests.exchanges.paper.markets import SPOT, D, StillMarket, ticker
from tests.services.paper_requests import now, order_request, ref
from tests.world import make_user, save

ROOT = Path(__file__).parent.parent.parent
SETTINGS = PaperSettings(slippage_bps=D(0), latency_ms=0, balance={"USDT": D(10_000)})
OPENING = {"USDT": D(10_000)}


@pytest.fixture
def tables(app: Flask) -> PaperTables:
    owner = make_user("paper@example.org")
    key = save(ExecutionConnection(name="paper", exchange_name="bybit", user_id=owner.id, settings={})).id
    db.session.rollback()
    return PaperTables(db.engine, key)


def exchange(tables: PaperTables) -> PaperExchange:
    market = StillMarket()
    return PaperExchange(market, tables, SETTINGS, SharedPrices(market, ("here", None)))


def rows(model: Any) -> list[Any]:
    with Session(db.engine) as session:
        return list(session.execute(sa.select(model).order_by(model.id)).scalars())


def check_sums(orders: int) -> None:
    """What `orders` buys of one at 100 leave, with a fee of a thousandth."""
    assert [row.number for row in rows(PaperOrderRow)] == list(range(1, orders + 1))
    assert len(rows(PaperFillRow)) == orders
    held = {row.currency: row.total for row in rows(PaperBalanceRow)}
    assert held == {"USDT": D(10_000 - 100 * orders), **({"BTC": D("0.999") * orders} if orders else {})}


@contextmanager
def process(settings: Settings, name: str, command: str, count: int = 0) -> Iterator[subprocess.Popen[str]]:
    key = rows(ExecutionConnection)[0].id
    arguments = [settings.database_url or "", str(key), name, command, str(count)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.services.paper_process", *arguments],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as started:  # fmt: skip
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()


def go(started: subprocess.Popen[str]) -> None:
    assert started.stdin is not None
    started.stdin.write("go\n")
    started.stdin.flush()


def test_two_processes_on_one_new_account_lose_and_double_nothing(
    tables: PaperTables, settings: Settings
) -> None:
    with process(settings, "one", "trade", 20) as one, process(settings, "two", "trade", 20) as two:
        go(one)
        go(two)
        assert (one.wait(60), two.wait(60)) == (0, 0)
    assert len(rows(PaperAccountRow)) == 1
    check_sums(40)


def test_process_that_is_killed_inside_an_order_leaves_nothing_and_holds_up_nobody(
    tables: PaperTables, settings: Settings
) -> None:
    exchange(tables).balances(next(iter(StillMarket.market_types)))
    with process(settings, "killed", "hang") as started:
        go(started)
        assert started.stdout is not None
        assert started.stdout.readline() == "holding\n"
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(lambda: exchange(tables).find_order(ref("killed-0")))
            waiting = threading.Event()
            assert not waiting.wait(0.3)
            assert not asked.done(), "nobody may say that the order is absent while it is being accepted"
            started.kill()
            lookup = asked.result(timeout=20)
    assert (lookup.report, len(lookup.absent_from)) == (None, 2)
    check_sums(0)
    exchange(tables).place_order(order_request("killed-0"))
    check_sums(1)


def test_database_that_goes_away_inside_an_order_leaves_the_outcome_open_and_nothing_behind(
    tables: PaperTables,
) -> None:
    with pytest.raises(ExchangeError) as caught, tables.locked(OPENING) as ledger:
        price = ticker(SPOT.symbol, 100, now())
        accept(ledger.account, order_request("cut"), SPOT, price, SETTINGS, now())
        ledger.keep()
        with db.engine.connect() as other:
            other.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE state = 'idle in transaction' AND datname = current_database()"
                    " AND pid <> pg_backend_pid()"
                )
            )
    assert (caught.value.code, caught.value.outcome) == (ErrorCode.UNAVAILABLE, Outcome.UNKNOWN)
    assert rows(PaperOrderRow) == rows(PaperAccountRow) == []


def test_one_id_from_many_threads_is_accepted_once(tables: PaperTables) -> None:
    def place(_number: int) -> str:
        try:
            return exchange(tables).place_order(order_request("same")).state.value
        except ExchangeError as error:
            return error.code.value

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(place, range(8)))
    assert outcomes == [ErrorCode.DUPLICATE_CLIENT_ORDER_ID.value] * 7 + ["filled"]
    check_sums(1)


def test_many_threads_spend_the_balance_once(tables: PaperTables) -> None:
    def place(number: int) -> str:
        try:
            return exchange(tables).place_order(order_request(f"id-{number}", "30")).state.value
        except ExchangeError as error:
            return error.code.value

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(place, range(8)))
    assert (outcomes.count("filled"), outcomes.count("INSUFFICIENT_FUNDS")) == (3, 5)
    assert {row.total for row in rows(PaperBalanceRow) if row.currency == "USDT"} == {D(1_000)}


def test_ledger_never_joins_the_callers_transaction(tables: PaperTables) -> None:
    with pytest.raises(RuntimeError, match="undo"), transaction() as session:
        session.get_one(User, 1).email = "other@example.org"
        session.flush()
        exchange(tables).place_order(order_request("kept"))
        raise RuntimeError("undo")
    assert rows(User)[0].email == "paper@example.org"
    check_sums(1)


def test_order_that_is_refused_leaves_no_trace(tables: PaperTables) -> None:
    exchange(tables).place_order(order_request("good"))
    with pytest.raises(ExchangeError):
        exchange(tables).place_order(order_request("bad", "200"))
    check_sums(1)
