"""Jobs and their failures in words: nothing is missing, and nothing is called by a wrong name."""

import inspect

import pytest
import sqlalchemy as sa
from redis import ConnectionError as RedisConnectionError

from portal.errors import ConflictError
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.jobs.engine.allowlist import Allowlist, Call, RefusedError, load
from portal.jobs.engine.books import describe
from portal.jobs.engine.pool import StuckError
from portal.jobs.engine.running import Running
from portal.jobs.engine.upkeep import ABANDONED
from portal.jobs.failures import meaning
from portal.jobs.kinds import KINDS
from portal.jobs.periodic import PERIODIC
from portal.jobs.table import JOBS
from portal.jobs.worker import LEFT_BEHIND
from portal.services.channels.posting import NotDeliveredError


def test_every_job_of_the_table_is_said_in_words_with_what_its_row_id_names() -> None:
    assert JOBS.keys() - KINDS.keys() == set()
    for name, spec in JOBS.items():
        kind = KINDS[name]
        takes = [each.removesuffix("_id") for each in inspect.signature(load(spec.function)).parameters]
        assert takes == ([kind.about.value] if kind.about else []), name
        assert kind.afterwards.endswith("."), name


def test_job_that_comes_by_the_clock_is_not_asked_for_by_hand() -> None:
    periodic = {entry.name for entry in PERIODIC}
    assert {name for name, kind in KINDS.items() if not kind.again} == periodic | {
        "test_channel",
        "preview_signal",
    }


def running() -> Running:
    return Running("sweep-x", "watch", Call("sweep", JOBS["sweep"], ()))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ExchangeError(ErrorCode.TIMEOUT, "nobody answered", outcome=Outcome.UNKNOWN), "exchange"),
        (NotDeliveredError("the service did not take the message"), "not taken"),
        (ConflictError("The position is closed."), "refused"),
        (sa.exc.OperationalError("SELECT 1", {}, Exception("server closed the connection")), "database"),
        (RedisConnectionError("Connection refused"), "redis"),
        (ZeroDivisionError("division by zero"), "program error"),
        (StuckError("The job took longer than its limit of 60 s"), "too long"),
    ],
)
def test_failure_when_it_was_raised_then_is_called_by_its_cause(error: Exception, kind: str) -> None:
    found = meaning(describe(running(), error))
    assert found.kind == kind
    assert found.ours is (kind == "program error")
    assert found.detail


def test_failure_when_the_worker_wrote_it_then_is_called_by_its_cause() -> None:
    assert meaning(ABANDONED).kind == "killed"
    assert meaning(LEFT_BEHIND).kind == "killed"
    stopped = running()
    stopped.interrupted = True
    assert meaning(describe(stopped, TimeoutError("x"))).kind == "too long"
    with pytest.raises(RefusedError) as refused:
        Allowlist(JOBS).resolve(b'["os.system", null, [], {}]')
    assert meaning(f"Refused, nothing was run: {refused.value}.").kind == "foreign"
    assert meaning("").kind == "unknown"
