"""F57: no space left for the database. Nothing is sent without a stored intent, the error says what is wrong,
and trade goes on when there is space again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError

from portal import create_app, embedded
from portal.commands.failures import explain
from portal.config import Settings
from portal.db import db, end_read
from portal.exchanges.sandbox.server import SandboxServer
from portal.models import UNSETTLED, Execution, Signal, User
from portal.services import books, executions, prices, signals, tokens
from portal.trading.types import ExecutionStatus
from tests.conftest import CREDENTIAL_KEY, MIGRATIONS, SECRET_KEY
from tests.faults.small_disk import SmallDisk
from tests.helpers import eventually
from tests.services.desk import Desk
from tests.world import count

FULL = """
CREATE OR REPLACE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file "base/16384/16999": No space left on device' USING ERRCODE = '53100';
END $$;
"""


@pytest.fixture
def full(app: Flask) -> Iterator[Callable[[str], None]]:
    """Call it with a table that from then on takes no new row, with PostgreSQL's error for a full disk."""
    tables: list[str] = []
    with db.engine.begin() as link:
        link.exec_driver_sql(FULL)

    def fill(table: str) -> None:
        end_read()
        tables.append(table)
        with db.engine.begin() as link:
            link.exec_driver_sql(
                f"CREATE TRIGGER no_space BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_space()"
            )

    yield fill
    empty(tables)
    with db.engine.begin() as link:
        link.exec_driver_sql("DROP FUNCTION no_space()")


def empty(tables: list[str]) -> None:
    end_read()
    with db.engine.begin() as link:
        while tables:
            link.exec_driver_sql(f"DROP TRIGGER IF EXISTS no_space ON {tables.pop()}")


@pytest.mark.parametrize("table", ["signals", "executions"])
def test_f57_alert_when_the_disk_is_full_is_503_and_nothing_of_it_is_stored(
    app: Flask, desk: Desk, settings: Settings, full: Callable[[str], None], table: str
) -> None:
    desk.account()
    token = tokens.create_token(desk.admin, ["signals:write"], actor="tests")
    end_read()
    full(table)
    web = create_app(settings)
    answer = web.test_client().post(f"/hooks/tradingview/{token}", data="symbol=BTCUSDT\nside=buy")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert (count(Signal), count(Execution)) == (0, 0)
    with web.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("table", ["orders", "fills", "execution_positions", "execution_logs"])
def test_f57_execution_when_the_disk_is_full_sends_nothing_without_its_intent_and_ends_well_later(
    desk: Desk, full: Callable[[str], None], table: str
) -> None:
    """`orders` is full before the send; the others only when the answer is to be stored."""
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    full(table)
    end_read()
    with pytest.raises(DBAPIError) as raised:
        executions.run(key)
    assert "No space left on device" in str(raised.value)
    sentence = explain(raised.value)
    assert sentence is not None
    assert "disk of the database is full" in sentence.message
    assert desk.accepted() == len(desk.orders()) == (0 if table == "orders" else 1)
    empty([table])
    for _ in range(4):
        desk.later(40)
        desk.resolve_due()
        desk.run_all()
    end_read()
    assert desk.executions()[0].status in (ExecutionStatus.FILLED, ExecutionStatus.EXPIRED)
    assert desk.accepted() == len([each for each in desk.orders() if each.exchange_order_id])
    assert books.verify() == []


@dataclass
class OwnDisk:
    """A desk whose embedded PostgreSQL lies on a disk of its own."""

    desk: Desk
    disk: SmallDisk
    services: embedded.Services

    def server(self) -> int:
        return int((self.disk.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    def is_back(self) -> bool:
        self.services.ensure()
        with suppress(FileNotFoundError):  # none runs at this moment, or it ended just now
            self.disk.free(self.server())
        return not failed(lambda: db.session.scalar(sa.text("SELECT 1")))


def failed(work: Callable[[], object]) -> DBAPIError | None:
    """Do it as a job does: the error ends it."""
    try:
        work()
    except DBAPIError as error:
        db.session.remove()
        return error
    end_read()
    return None


@pytest.fixture
def own(services: Settings) -> Iterator[OwnDisk]:
    with ExitStack() as stack:
        disk = stack.enter_context(closing(SmallDisk()))
        given = Settings(data_dir=disk.data_dir, secret_key=SECRET_KEY, credential_keys=(CREDENTIAL_KEY,))
        given = replace(given, redis_url=services.redis_url, exchange_timeout_seconds=2.0)
        held = stack.enter_context(embedded.hold(given))
        market = stack.enter_context(SandboxServer(seed=57))
        urls = {"sandbox": market.url, "sandboxusdm": market.url}
        app = create_app(replace(held.settings, exchange_urls=urls), faces=False)
        stack.enter_context(app.app_context())
        stack.callback(db.engine.dispose)
        stack.callback(db.session.remove)
        upgrade(directory=str(MIGRATIONS))
        prices.forget()
        yield OwnDisk(Desk(market.control), disk, held)
        app.extensions["portal_redis"].flushdb()


def test_f57_embedded_database_when_its_disk_is_full_loses_no_order_and_trades_again_with_space(
    own: OwnDisk,
) -> None:
    desk = own.desk
    for number in range(20):
        desk.account(f"account-{number}")
    author = desk.admin_id
    pending = [each.id for each in desk.publish()]
    end_read()

    def publish() -> None:
        data = {"currency_pair": "ETH/USDT", "direction": "buy"}
        signals.submit(data, author=db.session.get_one(User, author), source="api", publish=True)

    own.disk.fill(own.server())
    db.engine.dispose()
    errors: list[DBAPIError] = []
    for turn in range(300):
        works = (partial(executions.run, pending[turn % 20]), publish)
        errors += filter(None, map(failed, works))
        if len(errors) >= 3:
            break
    assert len(errors) >= 3, "a full disk takes no more rows"
    if own.disk.is_real:
        assert "No space left on device" in str(errors[0])
    accepted = desk.accepted()
    assert accepted <= 20

    eventually(own.is_back, timeout=40, what="the database is back")
    assert len(desk.orders()) >= accepted, "every order at the exchange has its intent"
    for _ in range(4):
        desk.later(40)
        desk.resolve_due()
        desk.run_all()
    assert [each.id for each in desk.executions() if each.status in UNSETTLED] == []
    ours = sorted(each.client_order_id for each in desk.orders() if each.exchange_order_id)
    assert sorted(each.client_order_id for each in desk.sandbox.orders()) == ours
    before = desk.accepted()
    desk.publish(currency_pair="SOL/USDT")
    for _ in range(4):  # who finds the budget of requests spent is asked again
        desk.run_all()
        desk.later(3)
    assert desk.accepted() == before + 20
    assert books.verify() == []
