"""What one empty job costs: RQ's forking Worker, RQ's SimpleWorker and ours, on one Redis in one run.

CPU time is that of the worker process and its children, without start-up (a run without jobs is
subtracted). Round trips are the reads that Redis counted on its sockets. The second table is the fan-out
of a signal.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError
from rich.console import Console
from rich.table import Table
from rq import Queue, SimpleWorker, Worker

from portal.embedded.redis import find_binary
from portal.jobs.queues import JobQueues, connect
from portal.jobs.serializing import refuse_pickle
from portal.jobs.table import ORDERS, JobSpec
from portal.jobs.worker import PortalWorker

TABLE = {"empty": JobSpec("bench.worker_cost.empty", ORDERS, 60)}
ROOT = Path(__file__).parent.parent
KINDS = ("fork", "simple", "portal")
NAMES = {"fork": "RQ Worker (forks)", "simple": "RQ SimpleWorker", "portal": "Portico worker"}

Row = dict[str, str | float]


def empty(_row: int) -> None:
    """The job."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables, or with `--json` their numbers. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="worker_cost", description=__doc__)
    parser.add_argument(
        "--jobs", type=int, default=1000, help="jobs per worker (the forking one runs a tenth)"
    )
    parser.add_argument("--concurrency", type=int, default=16, help="threads of our worker")
    parser.add_argument("--json", action="store_true", help="print numbers only")
    parser.add_argument("--child", nargs=2, metavar=("KIND", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        run_worker(*options.child, options.concurrency)
        return 0
    with redis_server() as url:
        workers = [measure(url, kind, options.jobs, options.concurrency) for kind in KINDS]
        fan_out = measure_fan_out(url)
    if options.json:
        print(json.dumps({"workers": workers, "fan_out": fan_out}))
    else:
        show(workers, fan_out)
    return 0


def measure(url: str, kind: str, jobs: int, concurrency: int) -> Row:
    count = max(jobs // 10, 1) if kind == "fork" else jobs
    idle_cpu, idle_wall, idle_trips = run_child(url, kind, 0, concurrency)
    cpu, wall, trips = run_child(url, kind, count, concurrency)
    return {
        "kind": kind,
        "jobs": count,
        "cpu_ms": round((cpu - idle_cpu) / count * 1000, 2),
        "wall_ms": round((wall - idle_wall) / count * 1000, 2),
        "round_trips": round((trips - idle_trips) / count, 1),
    }


def run_child(url: str, kind: str, jobs: int, concurrency: int) -> tuple[float, float, int]:
    """Seconds of CPU, seconds of wall time and round trips of a worker that empties the queue. A run in
    which not every job ended well measures nothing: it is said and made again, at most twice."""
    for _ in range(3):
        done, finished, left = _one_run(url, kind, jobs, concurrency)
        if finished == jobs and left == 0:
            return done
        sys.stderr.write(
            f"{kind}: {finished} of {jobs} jobs ended well and {left} were left; measured again\n"
        )
    raise RuntimeError(
        f"the {kind} worker did not end all of {jobs} empty jobs in three runs; nothing was measured"
    )


def _one_run(url: str, kind: str, jobs: int, concurrency: int) -> tuple[tuple[float, float, int], int, int]:
    with Redis.from_url(url) as client:
        client.flushall()
        fill(client, kind, jobs)
        before, began, trips = children_cpu(), time.perf_counter(), reads(client)
        argv = [sys.executable, "-m", "bench.worker_cost", "--concurrency", str(concurrency)]
        subprocess.run([*argv, "--child", kind, url], check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        done = children_cpu() - before, time.perf_counter() - began, reads(client) - trips
        return done, int(client.zcard(f"rq:finished:{ORDERS}")), int(client.llen(f"rq:queue:{ORDERS}"))


def fill(client: Redis, kind: str, jobs: int) -> None:
    if kind == "portal":
        JobQueues(client, TABLE).enqueue_many("empty", range(jobs))
    elif jobs:
        queue = Queue(ORDERS, connection=client)
        queue.enqueue_many([Queue.prepare_data(empty, args=(row,), result_ttl=600) for row in range(jobs)])


def run_worker(kind: str, url: str, concurrency: int) -> None:
    if kind == "portal":
        refuse_pickle()
        client = connect(url, timeout=5)
        worker = PortalWorker(
            client, lambda call: call(), concurrency=concurrency, jobs=TABLE, queues=[ORDERS]
        )
        worker.work(burst=True)
    else:
        original = Worker if kind == "fork" else SimpleWorker
        original([ORDERS], connection=Redis.from_url(url)).work(burst=True, logging_level="WARNING")


def measure_fan_out(url: str, count: int = 1000) -> list[Row]:
    """Milliseconds to queue one job for each of `count` connections, best of five."""
    with Redis.from_url(url) as client:
        ours = best(lambda: JobQueues(client, TABLE).enqueue_many("empty", range(count)))
        theirs = best(lambda: fill(client, "simple", count))
    return [
        {"how": "RQ enqueue_many", "jobs": count, "wall_ms": theirs},
        {"how": "Portico enqueue_many", "jobs": count, "wall_ms": ours},
    ]


def best(action: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return round(min(times) * 1000, 1)


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def reads(client: Redis) -> int:
    return int(client.info("stats")["total_reads_processed"])


def show(workers: Sequence[Row], fan_out: Sequence[Row]) -> None:
    console = Console()
    table = Table("worker", "jobs", "CPU ms/job", "wall ms/job", "round trips/job", title="An empty job")
    for row in workers:
        cells = (row["jobs"], row["cpu_ms"], row["wall_ms"], row["round_trips"])
        table.add_row(NAMES[str(row["kind"])], *map(str, cells))
    console.print(table)
    table = Table("how", "jobs", "ms", title="The fan-out of a signal")
    for row in fan_out:
        table.add_row(str(row["how"]), str(row["jobs"]), str(row["wall_ms"]))
    console.print(table)


@contextmanager
def redis_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        socket = Path(folder) / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "yes"]
        log = {"stdout": subprocess.DEVNULL}
        process = subprocess.Popen([str(find_binary()), *options, "--dir", folder], **log)
        try:
            wait_until_ready(socket)
            yield f"unix://{socket}?db=0"
        finally:
            process.kill()
            process.wait()


def wait_until_ready(socket: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with Redis(unix_socket_path=str(socket)) as client:
                client.ping()
            return
        except RedisError:
            time.sleep(0.02)
    raise RuntimeError(f"Redis did not answer at {os.fspath(socket)} within 10 s")


if __name__ == "__main__":
    sys.exit(main())
