"""F58: the database goes away in COMMIT. Whoever asks again finds out by key what was stored; the exchange
has one order per intent."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from portal import create_app
from portal.config import Settings
from portal.db import db, end_read
from portal.models import UNSETTLED, Execution, Signal, User
from portal.services import books, closing, executions, resolution, signals, sweeper
from portal.trading.types import ClosedReason, ExecutionStatus, PositionStatus
from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.sizes import CUTS, takes_long
from tests.services.desk import Desk

ACCOUNTS = 12


class Cut:
    """Workers whose connection to the database is cut in a share of all commits."""

    def __init__(self, app: Flask, proxy: CuttingProxy) -> None:
        self.app, self.proxy = app, proxy
        self.lost = 0

    def attempt(self, work: Callable[[], object]) -> bool:
        """What a job or a request does, once: a lost connection ends it, and nothing is repeated here."""
        with self.app.app_context():
            try:
                work()
            except DBAPIError:
                self.lost += 1
                return False
            return True


@pytest.fixture
def cut(app: Flask, desk: Desk, settings: Settings) -> Iterator[Cut]:
    proxy = CuttingProxy(str(settings.database_url), seed=58)
    urls = app.extensions["portal_settings"].exchange_urls
    other = create_app(replace(settings, database_url=proxy.url, exchange_urls=urls), faces=False)
    yield Cut(other, proxy)
    proxy.share = 0.0
    with other.app_context():
        db.session.remove()
        db.engine.dispose()
    proxy.close()


def publish(author_id: int, key: str, **data: str) -> None:
    author = db.session.get_one(User, author_id)
    signals.submit(
        {"currency_pair": "BTC/USDT", "direction": "buy", "dedupe_key": key, **data},
        author=author, source="webhook", publish=True,
    )  # fmt: skip


def work_until_settled(cut: Cut, desk: Desk) -> None:
    """Everything that jobs do, each in its turn, until nothing is open; every commit may be the last."""
    for turn in range(60):
        end_read()
        open_ids = list(db.session.scalars(sa.select(Execution.id).where(Execution.status.in_(UNSETTLED))))
        wanted = list(db.session.scalars(sweeper.wanted_closes()))
        due = list(db.session.scalars(resolution.due()))
        closing_ids = [each.id for each in desk.positions() if each.status is PositionStatus.CLOSING]
        end_read()
        if not (open_ids or wanted or closing_ids):
            return
        for key in open_ids:
            cut.attempt(lambda key=key: executions.run(key))  # type: ignore[misc]
        for key in wanted:
            cut.attempt(lambda key=key: closing.run_close(key))  # type: ignore[misc]
        for key in due:
            cut.attempt(lambda key=key: resolution.resolve(key))  # type: ignore[misc]
        cut.attempt(sweeper.sweep)
        if turn % 2:
            desk.later(35)
    raise AssertionError("it does not come to rest")


@takes_long
def test_f58_connection_when_it_is_cut_in_commit_leads_to_one_signal_one_order_and_true_books(
    cut: Cut, desk: Desk
) -> None:
    for number in range(ACCOUNTS):
        desk.account(f"account-{number}")
    author, published = desk.admin_id, 0
    cut.proxy.share = 0.35
    while sum(cut.proxy.cuts.values()) < CUTS:
        published += 1
        for action in ("open", "close"):
            key = f"{action}-{published}"
            while not cut.attempt(lambda key=key, action=action: publish(author, key, action=action)):  # type: ignore[misc]
                pass  # the sender has no answer and sends it again under the same key
            work_until_settled(cut, desk)

    assert min(cut.proxy.cuts.values()) > CUTS // 4, "both kinds of cuts happened"
    assert cut.lost >= CUTS // 2
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Signal)) == 2 * published
    assert len(desk.executions()) == 2 * published * ACCOUNTS
    end_read()
    ours = {each.client_order_id for each in desk.orders() if each.exchange_order_id}
    theirs = [each.client_order_id for each in desk.sandbox.orders()]
    assert sorted(theirs) == sorted(ours), "every order at the exchange is known, and each was accepted once"
    per_account = desk.sandbox.counts()
    assert max(per_account.values()) <= 2 * published, "never more than one entry and one exit per round"
    assert len(theirs) > ACCOUNTS, "there was trade"
    assert {each.status for each in desk.positions()} == {PositionStatus.CLOSED}
    assert {each.closed_reason for each in desk.positions()} == {ClosedReason.SIGNAL}
    assert books.verify() == []


@pytest.mark.parametrize("kind", ["before", "after"])
def test_f58_connection_when_it_is_cut_while_the_intent_is_stored_sends_nothing_then_and_one_order_in_the_end(
    cut: Cut, desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """`after`: the row is there and the worker does not know it. It may have been sent: it is asked about."""
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    gate = executions.intents.gate.pass_or_deny

    def last_step(*given: object) -> object:
        cut.proxy.next_fate = kind
        return gate(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(executions.intents.gate, "pass_or_deny", last_step)
        assert not cut.attempt(lambda: executions.run(key))
    assert desk.accepted() == 0
    assert [each.exchange_order_id for each in desk.orders()] == ([None] if kind == "after" else [])
    assert cut.attempt(lambda: executions.run(key))
    assert desk.accepted() == 0, "the claim holds, or what may have been sent is not sent again"
    work_until_settled(cut, desk)
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert books.verify() == []
