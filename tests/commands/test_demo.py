"""`seed-demo`, `demo`, and the judge who must not be fooled."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from portal.commands.demo_judge import judge
from portal.db import db
from portal.exchanges.sandbox.server import SandboxServer
from portal.models import ExecutionConnection
from portal.services import demo
from portal.trading.types import PositionStatus
from tests.commands.conftest import Portal
from tests.world import count, make_execution, make_order, make_position, make_signal


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        yield server


def test_the_demo_is_seeded_once_and_its_secrets_are_shown_once(
    portal: Portal, sandbox: SandboxServer
) -> None:
    urls = json.dumps({"sandbox": sandbox.url, "sandboxusdm": sandbox.url})

    first = portal("seed-demo", PORTAL_EXCHANGE_URLS=urls)
    second = portal("seed-demo", PORTAL_EXCHANGE_URLS=urls)

    assert (first.code, second.code) == (0, 0)
    assert "admin@example.com" in first.stdout
    assert "/hooks/tradingview/ptc_" in first.stdout
    assert second.stdout == "The demo content is there already.\n"
    assert count(ExecutionConnection) == 12


def test_without_a_practice_exchange_nothing_is_seeded(portal: Portal) -> None:
    ran = portal("seed-demo")

    assert (ran.code, ran.stdout) == (1, "")
    assert "portal up --demo" in ran.stderr
    assert count(ExecutionConnection) == 0


def test_the_judge_sees_an_order_that_the_exchange_never_got(app: Flask, sandbox: SandboxServer) -> None:
    demo.seed(sandbox.control, actor="test")
    connection = db.session.get_one(ExecutionConnection, 1)
    execution = make_execution(make_signal(connection.admin), connection)
    make_order(execution, filled_quantity=Decimal("0.5"))

    verdict = judge(sandbox.control, [])

    assert "House, spot: 0 orders at the exchange, 1 here." in verdict.disagreements


def test_the_judge_sees_an_open_position_and_what_the_books_say(app: Flask, sandbox: SandboxServer) -> None:
    demo.seed(sandbox.control, actor="test")
    make_position(db.session.get_one(ExecutionConnection, 1), status=PositionStatus.OPEN)

    verdict = judge(sandbox.control, ["the books disagree"])

    assert "the books disagree" in verdict.disagreements
    assert "House, spot: a position is still open in the books." in verdict.disagreements


@pytest.mark.timeout(400)
def test_the_whole_story_happens_and_leaves_nothing_behind(process: Callable[..., Any]) -> None:
    story = process("demo", DATABASE_URL="", REDIS_URL="", PORTAL_SECRET_KEY="", PORTAL_CREDENTIAL_KEYS="")
    stdout, stderr = story.communicate(timeout=380)

    assert story.returncode == 0, stdout + stderr
    assert "5 times at once: one signal, 12 executions" in stdout
    assert "unresolved → filled" in stdout
    assert "closed by tp" in stdout
    assert "closed by sl" in stdout
    assert "The exchange, the positions and the books agree." in stdout
    assert "Logs and data are in" not in stdout
