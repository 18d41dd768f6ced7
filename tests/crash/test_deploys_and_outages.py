"""A deploy, a Redis that forgets or dies, and a worker that sleeps while others go on: nothing lost, nothing
doubled."""

import signal

import pytest
import sqlalchemy as sa

from bench import accounts, evidence
from bench.accounts import Published
from bench.children import until
from bench.floor import Floor
from portal.db import db, end_read, transaction
from portal.exchanges.sandbox.client import SandboxAccount
from portal.models import Execution, Order
from portal.services.claims import LEASE

pytestmark = pytest.mark.timeout(110)

COUNT = 100
#: Seconds of each answer: the fan-out takes about eight, so that what strikes after a quarter of it strikes
#: into it, however busy the machine is.
SLOW = 0.3


def start(here: Floor, name: str, count: int = COUNT) -> list[SandboxAccount]:
    opened = accounts.open_accounts(here, count, name)
    accounts.connect(here, opened)
    return opened


def accepted(here: Floor, published: Published) -> int:
    return len(accounts.accepted_since(here, published.committed_ns))


def wait_accepted(here: Floor, published: Published, count: int) -> None:
    until(f"{count} orders", lambda: accepted(here, published) >= count, 60, interval=0.01)


def claim_of(published: Published) -> str | None:
    """The token of whoever works on the signal's only execution now."""
    end_read()
    return db.session.scalar(
        sa.select(Execution.claim_token).where(Execution.signal_id == published.signal_id)
    )


def balance_reads(here: Floor) -> int:
    return int(here.sandbox.requests(limit=1)["by_endpoint"].get("account", 0))


def test_f19_deploy_when_orders_are_under_way_then_none_is_lost_doubled_or_in_doubt(here: Floor) -> None:
    opened = start(here, "deploy")
    old = here.workers(1, 8)[0]
    here.sandbox.set_latency(SLOW)
    published = accounts.publish(here)
    wait_accepted(here, published, COUNT // 4)
    new = here.child("worker", "--concurrency", "8")
    assert old.stop() == 0
    here.children.remove(old)
    assert accepted(here, published) < COUNT, "the deploy came after the fan-out"
    accounts.wait_settled(published, 60)
    assert new.running
    found = evidence.collect(here, published, opened)
    assert found.problems == []
    assert found.statuses == {"filled": COUNT}
    events = sa.select(sa.func.count()).select_from(Order).where(Order.error_code.is_not(None))
    assert db.session.scalar(events) == 0, "an order was in doubt although the worker stopped in peace"


def test_f20_f21_redis_when_it_is_killed_and_comes_back_empty_then_the_sweeper_brings_everything_home(
    here: Floor,
) -> None:
    opened = start(here, "redis")
    here.workers(1, 8)
    here.sandbox.set_latency(SLOW)
    published = accounts.publish(here)
    wait_accepted(here, published, COUNT // 4)
    here.redis.flushall()
    assert accepted(here, published) < COUNT, "Redis forgot after the fan-out"
    here.kill_redis()
    accounts.wait_settled(published, 60)
    found = evidence.collect(here, published, opened)
    assert found.problems == []
    assert found.statuses == {"filled": COUNT}


def test_f14_f15_worker_when_it_slept_beyond_its_lease_then_it_does_not_send_what_another_has_sent(
    here: Floor,
) -> None:
    """Stopped while it reads the price: it holds a claim and has not intended anything."""
    opened = start(here, "sleeper", 1)
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Order))
    sleeper = here.workers(1, 4, PORTAL_EXCHANGE_TIMEOUT_SECONDS="60")[0]
    here.sandbox.set_latency(3, "ticker")
    published = accounts.publish(here)
    until("The claim", lambda: claim_of(published), 20)
    sleeper.signal(signal.SIGSTOP)
    here.sandbox.set_latency(0, "ticker")
    past = sa.literal(LEASE, sa.Interval)
    with transaction() as session:  # the lease ends now instead of in half a minute
        session.execute(sa.update(Execution).values(lease_until=Execution.lease_until - past))
    here.child("worker", "--concurrency", "4")
    accounts.wait_settled(published, 60)
    assert accepted(here, published) == 1

    reads = balance_reads(here)
    sleeper.signal(signal.SIGCONT)
    until("The sleeper's next step", lambda: balance_reads(here) > reads, 20)
    # A warm stop lets the woken job run to its end first.
    assert sleeper.stop() == 0
    here.children.remove(sleeper)
    found = evidence.collect(here, published, opened)
    assert found.problems == []
    assert found.accepted == 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Order)) == before + 1
