"""Closing everything in a scope: each position once, whoever presses how often, whatever breaks in between.
Counted at the exchange."""

import uuid
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction
from portal.errors import NotFoundError, ValidationError
from portal.models import AuditEntry, CloseWish, ExecutionLog, ExecutionPosition, TradingState
from portal.services import (
    books,
    closing,
    positions,
    trading_state,
)
from portal.services.close_all import preview, progress, scopes, wishes
from portal.services.close_all.progress import Fate, Progress
from portal.services.close_all.scopes import Scope
from portal.trading.types import ClosedReason, ExecutionStatus, PositionStatus, TradingStateValue
from tests import world
from tests.helpers import at_once
from tests.services.desk import Desk
from tests.services.protected import nothing_is_left

ACCOUNTS, SIGNALS = 10, 5


def hold(desk: Desk, accounts: int, signals: int, exchange: str = "sandbox", **signal: Any) -> list[int]:
    """So many accounts with so many positions each."""
    market = "swap" if exchange == "sandboxusdm" else "spot"
    preset = desk.sized(200, market_type=market)
    for number in range(accounts):
        desk.account(f"{exchange}-{number}", exchange=exchange, preset=preset)
    for _ in range(signals):
        desk.publish(**signal)
    desk.run_all()
    return [position.id for position in desk.positions()]


def wish_of(desk: Desk, text: str, *, form_key: str = "", deny_entries: bool = False) -> int:
    wanted = scopes.find(text)
    return wishes.close_all(
        wanted, form_key=form_key or uuid.uuid4().hex, deny_entries=deny_entries, actor=desk.admin
    )


def shown(wish_id: int) -> Progress:
    return progress.progress(db.session.get_one(CloseWish, wish_id))


def audited() -> Counter[str]:
    actions = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action.contains("position")))
    return Counter(actions)


def open_ids(desk: Desk) -> set[int]:
    return {each.id for each in desk.positions() if each.status is PositionStatus.OPEN}


def test_fifty_positions_when_four_people_press_twice_at_once_are_each_closed_once(
    app: Flask, desk: Desk
) -> None:
    ids = hold(desk, ACCOUNTS, SIGNALS)
    assert len(ids) == ACCOUNTS * SIGNALS
    form_keys = [uuid.uuid4().hex for _ in range(4)]
    scope = Scope("everything", "", "everywhere")

    def press(form_key: str) -> int:
        return wishes.close_all(scope, form_key=form_key, actor="somebody")

    pressed = at_once(app, [partial(press, form_key) for form_key in form_keys * 2])
    assert len(pressed) == 8
    assert len(set(pressed)) == 4, "a double click is one wish"
    assert audited()["portal.position.close_requested"] == 50
    assert audited()["portal.positions.close_all_requested"] == 4

    desk.close_wanted()
    desk.close_wanted()
    sells = [order for order in desk.sandbox.orders() if order.side == "SELL"]
    assert len(sells) == 50
    assert Counter(order.account for order in sells) == {f"sandbox-{n}": SIGNALS for n in range(ACCOUNTS)}
    for wish_id in set(pressed):
        page = shown(wish_id)
        assert (page.total, page.is_over, page.counts[Fate.CLOSED]) == (50, True, 50)
        assert set(page.realized) == {"USDT"}
    end_read()
    nothing_is_left(desk)


def test_venue_that_is_down_holds_up_nobody_elses_close_and_is_named_with_its_reason(desk: Desk) -> None:
    hold(desk, 2, 1)
    hold(desk, 1, 1, exchange="sandboxusdm", market_type="swap")
    desk.sandbox.add_fault("http_before", "account", account="sandbox-0", status=503)
    desk.sandbox.add_fault("maintenance", "*", account="sandboxusdm-0")
    wish_id = wish_of(desk, "everything")
    desk.close_wanted()
    page = shown(wish_id)
    stuck = {line.position.connection_name: line for line in page.lines}
    assert set(stuck) == {"sandbox-0", "sandboxusdm-0"}
    assert page.counts[Fate.CLOSED] == page.total - len(page.lines) >= 1
    assert stuck["sandbox-0"].fate is Fate.FAILED
    assert "The close was not done" in stuck["sandbox-0"].reason
    assert desk.held("sandbox-1") < Decimal("0.0001"), "the other account is out"
    desk.sandbox.clear_faults()
    for _ in range(4):
        desk.later(3600)
        desk.resolve_due()
        desk.close_wanted()
    assert shown(wish_id).is_over
    end_read()
    nothing_is_left(desk)


@pytest.fixture
def mixed(desk: Desk) -> Iterator[dict[str, set[int]]]:
    """Three accounts at two exchanges, two symbols; the positions of each by what a scope would call them."""
    hold(desk, 2, 1)
    hold(desk, 1, 1, exchange="sandboxusdm", currency_pair="ETH/USDT", market_type="swap")
    every = desk.positions()
    first = every[0].connection_id
    last_signal = desk.executions()[-1].signal_id
    yield {
        "everything": {each.id for each in every},
        "exchange:SANDBOXUSDM": {each.id for each in every if each.exchange_name == "sandboxusdm"},
        f"connection:{first}": {each.id for each in every if each.connection_id == first},
        "symbol:eth/usdt": {each.id for each in every if each.symbol.startswith("ETH/USDT")},
        "user:admin@example.org": {each.id for each in every},
        f"signal:{last_signal}": {
            each.id
            for each in every
            if each.execution_id in {run.id for run in desk.executions() if run.signal_id == last_signal}
        },
        "exchange:kraken": set(),
    }


def test_scope_names_exactly_the_positions_that_its_words_say(desk: Desk, mixed: dict[str, set[int]]) -> None:
    for text, expected in mixed.items():
        scope = scopes.find(text)
        assert sum(account.positions for account in preview.preview(scope)) == len(expected), text
        within = sa.select(ExecutionPosition.id).where(scopes.of_positions(scope))
        assert set(db.session.scalars(within)) == expected, text
        assert scopes.find(scope.text).text == scope.text
    every = preview.preview(scopes.find("everything"))
    assert {account.exchange_name for account in every} == {"sandbox", "sandboxusdm"}
    assert preview.totals(every)["USDT"] == sum((account.notional["USDT"] for account in every), Decimal(0))
    worth = preview.totals(every)["USDT"] / 200
    assert abs(worth - len(mixed["everything"])) < Decimal("0.1"), "200 USDT each"
    smallest = min((ids for ids in mixed.values() if ids), key=len)
    text = next(text for text, ids in mixed.items() if ids == smallest)
    wish_of(desk, text)
    desk.close_wanted()
    assert open_ids(desk) == mixed["everything"] - smallest, "nobody else was touched"
    assert desk.sandbox.orders()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ValidationError), ("nowhere", ValidationError), ("everything:x", ValidationError),
        ("exchange", ValidationError), ("symbol:BTC", ValidationError), ("signal:", NotFoundError),
        ("signal:x", NotFoundError), ("signal:99", NotFoundError), ("connection:99", NotFoundError),
        ("user:nobody@example.org", NotFoundError), (f"signal:{'9' * 40}", NotFoundError),
    ],
)  # fmt: skip
def test_scope_that_means_nothing_is_refused(app: Flask, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        scopes.find(text)


def test_close_all_when_nothing_is_open_says_so_and_sends_nothing(desk: Desk) -> None:
    desk.account()
    page = shown(wish_of(desk, "everything"))
    assert (page.total, page.is_over) == (0, True)
    assert desk.accepted() == 0


def test_entries_when_denied_first_stay_denied_until_somebody_resumes(desk: Desk) -> None:
    hold(desk, 1, 1)
    wish_of(desk, "exchange:sandbox", deny_entries=True)
    desk.close_wanted()
    assert open_ids(desk) == set()
    row = db.session.scalars(sa.select(TradingState)).one()
    assert (row.scope, row.key, row.state) == ("exchange", "sandbox", TradingStateValue.REDUCING)
    sent = desk.accepted()
    execution = desk.trade()
    assert execution.status is ExecutionStatus.DENIED
    assert desk.accepted() == sent
    assert books.verify() == []


def test_entries_when_already_halted_are_not_let_in_again(desk: Desk) -> None:
    hold(desk, 1, 1)
    trading_state.set_state("everything", "", TradingStateValue.HALTED, "fire", actor=desk.admin)
    wish_of(desk, "everything", deny_entries=True)
    assert db.session.scalars(sa.select(TradingState)).one().state is TradingStateValue.HALTED
    desk.close_wanted()
    assert open_ids(desk) == set(), "getting out passes every halt"


def test_entries_of_one_signal_have_no_switch_so_that_denying_them_is_refused(desk: Desk) -> None:
    hold(desk, 1, 1)
    with pytest.raises(ValidationError):
        wish_of(desk, "signal:1", deny_entries=True)
    assert world.count(CloseWish) == 0
    assert world.count(TradingState) == 0


def test_position_that_opens_after_the_wish_is_shown_and_left_alone(desk: Desk) -> None:
    hold(desk, 1, 1)
    wish_id = wish_of(desk, "everything", form_key="one form")
    desk.trade()
    desk.close_wanted()
    assert len(open_ids(desk)) == 1
    page = shown(wish_id)
    assert (page.total, page.is_over, page.opened_since) == (1, True, 1)
    assert wish_of(desk, "everything", form_key="one form") == wish_id
    assert len(desk.positions()) == 2
    desk.close_wanted()
    assert len(open_ids(desk)) == 1, "the same form again is the same wish"


def test_asking_that_was_interrupted_is_finished_by_the_sweeper(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(desk, 3, 1)
    monkeypatch.setattr(wishes, "_BATCH", 1)
    asked: list[Any] = []
    really = positions.request_closes

    def dies_after_one(ids: Any, **given: Any) -> int:
        if asked:
            raise SystemExit("the web process died")
        asked.append(ids)
        return really(ids, **given)

    with monkeypatch.context() as patch:
        patch.setattr(positions, "request_closes", dies_after_one)
        with pytest.raises(SystemExit):
            wish_of(desk, "everything")
    assert shown(1).counts == {Fate.CLOSING: 1, Fate.NOT_ASKED: 2}
    desk.sweep()
    assert len([each for each in desk.positions() if each.close_reason]) == 1, "somebody may be at it"
    end_read()
    with transaction() as session:
        session.execute(sa.update(CloseWish).values(asked_at=sa.func.now() - sa.text("interval '1 min'")))
    desk.sweep()
    desk.close_wanted()
    assert open_ids(desk) == set()
    assert audited()["portal.position.close_requested"] == 3
    assert wishes.carry_out_unfinished() == 0


def test_close_of_a_part_under_way_becomes_a_close_of_everything(desk: Desk) -> None:
    (key,) = hold(desk, 1, 1)
    with transaction() as session:
        row = session.get_one(ExecutionPosition, key, with_for_update=True)
        positions.want_close(row, ClosedReason.TAKE_PROFIT, quantity=row.quantity / 2)
    wish_of(desk, "everything")
    desk.close_wanted()
    assert desk.position().status is PositionStatus.CLOSED
    lines = db.session.scalars(sa.select(ExecutionLog.event)).all()
    assert lines.count("close_requested") == 2
    end_read()
    nothing_is_left(desk)


def test_position_whose_close_was_not_answered_is_called_unresolved(desk: Desk) -> None:
    hold(desk, 1, 1)
    desk.sandbox.add_fault("accept_no_answer", count=1)
    wish_id = wish_of(desk, "everything")
    end_read()
    closing.run_close(1)
    (line,) = shown(wish_id).lines
    assert line.fate is Fate.UNRESOLVED
    assert "nothing is sent twice" in line.reason
    desk.later(2)
    desk.resolve_due()
    assert shown(wish_id).is_over
    assert len([order for order in desk.sandbox.orders() if order.side == "SELL"]) == 1
