"""What became of a signal, and running again what came to nothing."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, transaction, utcnow
from portal.models import Execution, Signal, User
from portal.services import signals, trading_state
from portal.services.reports import fanout
from portal.trading.types import ExecutionStatus, TradingStateValue
from tests import world
from tests.services.desk import Desk
from tests.services.floor import desk, sandbox_server
from tests.visiting import Visitor, visit

__all__ = ["desk", "sandbox_server"]


def part(page: str, name: str) -> str:
    """The text of an element's surroundings: from its id to the next heading."""
    found = page.partition(f'id="{name}">')[2].partition("<h2>How")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


@pytest.fixture
def carried_out(admin: User) -> Signal:
    """Filled twice, denied twice for one reason, and once for another."""
    now = utcnow()
    signal = world.make_signal(admin)
    signals.publish(signal.id, actor=admin)
    for number in range(2):
        filled = world.make_connection(admin, f"filled {number}")
        times = {
            "created_at": now,
            "claimed_at": now + timedelta(milliseconds=10 + number * 30),
            "read_at": now + timedelta(milliseconds=100),
            "intended_at": now + timedelta(milliseconds=120),
            "answered_at": now + timedelta(milliseconds=150),
            "finished_at": now + timedelta(milliseconds=160),
        }
        world.make_execution(signal, filled, **times)
    for name, code in (("a", "SYMBOL_BLOCKED"), ("b", "SYMBOL_BLOCKED"), ("c", "TRADING_HALTED")):
        refused = world.make_connection(admin, f"denied {name}")
        world.make_execution(
            signal, refused, status=ExecutionStatus.DENIED, code=code, message=f"{name} says no"
        )
    return signal


def test_report_when_a_signal_was_carried_out_then_counts_explains_and_measures(
    visitor: Visitor, carried_out: Signal
) -> None:
    signal_id = carried_out.id
    page = visitor.get(f"/admin/signals/details/?id={signal_id}").text
    assert part(page, "outcomes").startswith("Accounts reached 5 all settled Denied 3 Filled 2")
    reasons = part(page, "reasons")
    assert "2 accounts" in reasons
    assert "1 account" in reasons
    assert "resume trading" in reasons.lower(), "it says what to change"
    assert 'data-refresh="15" id="report"' in page
    address = re.search(r'href="([^"]*flt7_7=SYMBOL_BLOCKED[^"]*)"', page)
    assert address is not None
    listed = visitor.get(address.group(1).replace("&amp;", "&")).text
    assert listed.count("denied a") == 1
    assert "denied c" not in listed
    found = {step.name: step for step in fanout.report(signal_id).steps}
    assert (found["queue"].count, found["queue"].p50, found["queue"].p95, found["queue"].longest) == (
        2,
        10,
        40,
        40,
    )
    assert (found["place"].longest, found["total"].longest) == (30, 150)
    assert "From publication to the answer" in page
    assert page.index("denied a") < page.index("filled 0"), "what needs somebody comes first"


def test_report_when_accounts_have_no_outcome_yet_then_is_fetched_more_often(
    visitor: Visitor, carried_out: Signal
) -> None:
    signal_id = carried_out.id
    with transaction() as session:
        session.execute(
            sa.update(Execution).where(Execution.code == "TRADING_HALTED").values(status="pending", code=None)
        )
    page = visitor.get(f"/admin/signals/details/?id={signal_id}").text
    assert 'data-refresh="2" id="report"' in page
    assert "1 without an outcome" in page


def test_rerun_pages_when_confirmed_then_each_runs_again_once_and_double_clicks_do_nothing(
    app: Flask, desk: Desk
) -> None:
    operator, slow = visit(app, desk.admin), desk.preset(max_signal_age_seconds=3600)
    desk.account("alpha", preset=slow)
    desk.account("beta", preset=slow)
    trading_state.set_state("everything", "", TradingStateValue.HALTED, "a test", actor=desk.admin)
    first, _second = desk.publish()
    signal_id, first_id = first.signal_id, first.id
    desk.run_all()
    trading_state.set_state("everything", "", TradingStateValue.ACTIVE, "a test", actor=desk.admin)
    page = operator.get(f"/admin/signals/details/?id={signal_id}").text
    assert f'id="rerun" href="/admin/signals/rerun/{signal_id}"' in page
    details = operator.get(f"/admin/executions/details/?id={first_id}").text
    assert f"/admin/executions/rerun/{first_id}" in details
    # Reading changes nothing; what was asked for once is refused the second time.
    assert "Run it again" in operator.get(f"/admin/executions/rerun/{first_id}").text
    assert statuses() == ["denied", "denied"]
    for expected in ("waits for a worker again", "It was not run again"):
        response = operator.post(f"/admin/executions/rerun/{first_id}")
        assert expected in operator.get(response.location).text
    assert statuses() == ["pending", "denied"]
    question = operator.get(f"/admin/signals/rerun/{signal_id}").text
    assert "Run 1 execution again" in question
    for _ in range(2):
        operator.post(f"/admin/signals/rerun/{signal_id}")
    assert statuses() == ["pending", "pending"]
    assert "There is nothing that can run again" in operator.get(f"/admin/signals/rerun/{signal_id}").text
    desk.run_all()
    assert statuses() == ["filled", "filled"]
    assert desk.sent() == 2
    story = operator.get(f"/admin/executions/details/?id={first_id}").text
    assert "Run again by an administrator" in story


def test_rerun_page_when_the_signal_is_too_old_then_says_so_and_has_no_button(app: Flask, desk: Desk) -> None:
    operator = visit(app, desk.admin)
    desk.account("alpha", preset=desk.preset(max_signal_age_seconds=60, blocked_symbols=["BTC/USDT"]))
    execution = desk.trade()
    execution_id, signal_id = execution.id, execution.signal_id
    with transaction() as session:
        session.execute(sa.update(Signal).values(published_at=utcnow() - timedelta(seconds=90)))
    for address in (f"/admin/executions/rerun/{execution_id}", f"/admin/signals/rerun/{signal_id}"):
        page = operator.get(address).text
        assert "would be denied again" in page
        assert "again</button>" not in page
        operator.post(address)
    assert statuses() == ["denied"]
    assert signals.reach(signal_id or 0) == 1


def statuses() -> list[str]:
    return [str(status) for status in db.session.scalars(sa.select(Execution.status).order_by(Execution.id))]
