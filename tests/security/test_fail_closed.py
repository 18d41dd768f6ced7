"""An error anywhere before the wire means no order: a fault is put into every function that a trade runs
through, one after the other, whatever those functions are called tomorrow."""

import contextlib
import ctypes
import sys
import threading
import traceback
from types import CodeType, FrameType
from typing import Any

import pytest
from flask import Flask, current_app

from portal import crypto
from portal.db import db
from portal.models import Execution
from portal.services import executions, placing
from portal.trading.types import ExecutionStatus
from tests.services.desk import Desk

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

#: Where the steps are: what decides, sizes, limits, decrypts and writes down.
ROOMS = ("/portal/services/", "/portal/trading/", "/portal/models/", "/portal/crypto.py", "/portal/db.py")
#: Listeners and column types run inside the database library, at a time that is not a step of ours.
_NO_STEPS = {"process_bind_param", "process_result_value", "look", "note_time"}


class InjectedError(Exception):
    """What a step failed with."""


class Steps:
    """Notes every function of ours that runs before the order is placed; fails in `failing`, once."""

    def __init__(self, failing: CodeType | None = None) -> None:
        self.failing = failing
        self.seen: dict[CodeType, None] = {}
        self.placing = False
        self.failed = False

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event != "call" or self.placing or not any(room in code.co_filename for room in ROOMS):
            return
        if code is placing.place.__code__:
            self.placing = True
            return
        if code.co_name in _NO_STEPS or code is executions.run.__code__:
            return
        self.seen[code] = None
        if code is self.failing:
            self.failed = True
            raise InjectedError(code.co_qualname)


class _NewsError(Exception):
    """Raised by a thread in itself."""


@pytest.fixture
def no_news() -> None:
    """Tests of workers raise exceptions in threads. What one of them left behind (a thread that never woke)
    makes the interpreter look for news at every step, and before Python 3.12 the watching of calls then never
    goes on. Any exception that arrives ends that."""
    with contextlib.suppress(_NewsError):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_NewsError)
        )
        for _ in range(1_000_000):
            pass
        pytest.fail("the exception never came")


def run(execution: Execution, steps: Steps) -> None:
    """In a thread of its own, as a worker does: what watches calls shall not watch the limit of the test."""
    execution_id = execution.id
    db.session.remove()
    app = current_app._get_current_object()

    def work() -> None:
        with app.app_context():
            sys.setprofile(steps)
            try:
                # What nobody catches fails the worker's job; the sweeper asks again.
                with contextlib.suppress(Exception):
                    executions.run(execution_id)
            finally:
                sys.setprofile(None)
                db.session.remove()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident or 0)
        where = "".join(traceback.format_stack(frame)) if frame else "nowhere"
        pytest.fail(f"a step never came to its end; it is here:\n{where}")


@pytest.mark.usefixtures("no_news")
def test_s40_error_in_any_step_before_the_wire_means_no_order(desk: Desk) -> None:
    preset = desk.preset(stop_loss_mode="percent", stop_loss_value=2, max_daily_loss_percent=50)
    preset_id = preset.id
    account_id = desk.account("recorded", preset=preset).id
    recorder = Steps()
    (execution,) = desk.publish()
    run(execution, recorder)
    assert recorder.placing
    assert desk.accepted("recorded") >= 1
    names = {code.co_qualname for code in recorder.seen}
    assert {"plan_entry", "notional_denial", "Keyring.decrypt", "intend_entry", "pass_or_deny"} <= names, (
        names
    )
    assert len(recorder.seen) > 50
    _switch_off(account_id)
    wrong, failed = [], 0
    for number, code in enumerate(recorder.seen):
        name = f"account{number}"
        account_id = desk.account(name, preset_id=preset_id).id
        (execution,) = desk.publish()
        key = execution.id
        steps = Steps(failing=code)
        run(execution, steps)
        failed += steps.failed
        after = db.session.get_one(Execution, key)
        if steps.failed and (desk.accepted(name) or after.status is ExecutionStatus.FILLED):
            wrong.append(f"{code.co_qualname}: {desk.accepted(name)} orders, {after.status}")
        _switch_off(account_id)
    assert wrong == []
    assert failed > 50


def _switch_off(connection_id: int) -> None:
    with db.engine.begin() as link:
        link.exec_driver_sql(
            "UPDATE execution_connections SET is_active = false WHERE id = %s", (connection_id,)
        )


@pytest.mark.parametrize("lost", ["wrong key", "broken text", "another row's"])
def test_s40_credentials_that_cannot_be_read_mean_no_order_and_a_reason(
    app: Flask, desk: Desk, lost: str
) -> None:
    account, other = desk.account("alpha"), desk.account("beta", is_active=False)
    if lost == "broken text":
        account.credentials = str(account.credentials)[:-4] + "AAAA"
    if lost == "another row's":
        account.credentials = other.credentials
    db.session.commit()
    before = app.extensions["portal_settings"].credential_keys
    if lost == "wrong key":
        crypto.init_keyring(app.extensions, (crypto.generate_key(),))
    try:
        execution = desk.trade()
    finally:
        crypto.init_keyring(app.extensions, before)
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "CREDENTIALS_UNREADABLE")
    assert desk.accepted() == 0
