"""One signal to many accounts: from its commit to the last order that the exchange accepted.

Each account is new to the workers at first: that run fills them and shows what an idle connection costs
in memory. Then one signal per latency, to the same accounts. The baseline trades on fresh ones."""

from dataclasses import dataclass

from bench import accounts
from bench.accounts import Published
from bench.baseline import bare
from bench.children import Child
from bench.figures import Result, median
from bench.floor import Floor, floor
from bench.proc import cpu_seconds, resident_mb, tree
from portal.exchanges.sandbox.client import AcceptedOrder

BASELINE = (
    "bare ccxt, one object per account made beforehand, shared markets, one create_order each, 32 threads"
)
THREADS = 32
WARM_UP = 64


@dataclass(frozen=True, slots=True)
class Options:
    counts: tuple[int, ...] = (200, 1000)
    latencies_ms: tuple[int, ...] = (0, 50, 200)
    workers: int = 2
    concurrency: int = 16


@dataclass(frozen=True, slots=True)
class Spread:
    """When the orders of one fan-out were accepted, in seconds after its start."""

    first: float
    middle: float
    last: float


def run(options: Options) -> list[Result]:
    """A table per number of accounts."""
    with floor() as here:
        return [_measure(here, count, options) for count in options.counts]


def _measure(here: Floor, count: int, options: Options) -> Result:
    title = f"Fan-out to {count:,} accounts ({options.workers} workers × {options.concurrency} jobs)"
    result = Result(title, BASELINE)
    here.sandbox.set_latency(0)
    accounts.connect(here, accounts.open_accounts(here, WARM_UP, f"warm-{count}"))
    workers = here.workers(options.workers, options.concurrency)
    accounts.settle(accounts.publish(here), 120)
    accounts.connect(here, accounts.open_accounts(here, count, f"portico-{count}"))
    before = resident_mb(child.pid for child in workers)
    published = accounts.publish(here)
    accounts.settle(published, 600)
    grown = (resident_mb(child.pid for child in workers) - before) / count
    cold = spread(accounts.accepted_since(here, published.committed_ns), published.committed_ns)
    result.add("memory per idle connection", grown, "MB", aim=0.3)
    result.add("first signal ever to these accounts, 0 ms: last accepted", cold.last, "s")
    for latency in options.latencies_ms:
        _at_latency(here, count, latency, workers, result)
    here.stop(*workers)
    return result


def _at_latency(here: Floor, count: int, latency: int, workers: list[Child], result: Result) -> None:
    here.sandbox.set_latency(latency / 1000)
    here.sandbox.reset_requests()
    groups = {
        "workers": [child.pid for child in workers],
        "PostgreSQL": tree(here.postgres_pid()),
        "Redis": [here.redis_pid()],
        "exchange": [here.market.pid],
    }
    before = {name: cpu_seconds(pids) for name, pids in groups.items()}
    published = accounts.publish(here)
    if again := accounts.settle(published, 600):
        result.notes.append(f"{latency} ms: the sweeper had to ask for {again} jobs again.")
    groups["PostgreSQL"] = tree(here.postgres_pid())
    cost = {name: (cpu_seconds(pids) - before[name]) / count * 1000 for name, pids in groups.items()}
    requests = here.sandbox.requests(limit=1)["total"] / count
    ours = spread(
        _all(accounts.accepted_since(here, published.committed_ns), published), published.committed_ns
    )
    keys = accounts.open_accounts(here, count, f"bare-{count}-{latency}")
    told = bare("fan_out", here, keys, threads=THREADS)
    theirs = spread(accounts.accepted_since(here, told["began_ns"]), told["began_ns"])
    aim = 2.0 if latency == 50 and count == 1000 else None
    result.add(f"{latency} ms: last accepted", ours.last, "s", theirs.last, aim)
    result.add(f"{latency} ms: half accepted", ours.middle, "s", theirs.middle)
    result.add(f"{latency} ms: first to last", ours.last - ours.first, "s", theirs.last - theirs.first)
    result.add(f"{latency} ms: worker CPU per order", cost["workers"], "ms", told["cpu_ms_per_order"])
    for name in ("PostgreSQL", "Redis", "exchange"):
        result.add(f"{latency} ms: {name} CPU per order", cost[name], "ms")
    result.add(f"{latency} ms: requests per order", requests, "", 1.0)


def _all(orders: list[AcceptedOrder], published: Published) -> list[AcceptedOrder]:
    if len(orders) != published.executions:
        told = accounts.outcomes(published.signal_id)
        raise RuntimeError(f"{len(orders)} orders for {published.executions} executions: {told}")
    return orders


def spread(orders: list[AcceptedOrder], began_ns: int) -> Spread:
    """First, middle and last acceptance."""
    seconds = [(order.accepted_monotonic_ns - began_ns) / 1e9 for order in orders]
    return Spread(min(seconds), median(seconds), max(seconds))
