"""What an empty job costs our worker, beside RQ's own two. The measuring is in `worker_cost`."""

from bench import worker_cost
from bench.figures import Result

BASELINE = "RQ's SimpleWorker, which runs one job at a time"


def run(jobs: int, concurrency: int) -> list[Result]:
    """One table: cost per job, and of queueing a fan-out."""
    with worker_cost.redis_server() as url:
        rows = {kind: worker_cost.measure(url, kind, jobs, concurrency) for kind in worker_cost.KINDS}
        theirs, ours = (float(row["wall_ms"]) for row in worker_cost.measure_fan_out(url, jobs))
    result = Result(f"An empty job ({jobs:,} jobs)", BASELINE)
    names = (("cpu_ms", "CPU per job", "ms"), ("round_trips", "Redis round trips per job", ""))
    for key, name, unit in names:
        result.add(name, float(rows["portal"][key]), unit, float(rows["simple"][key]))
    result.add("queueing all of them", ours, "ms", theirs)
    result.notes.append(f"RQ's forking Worker: {rows['fork']['cpu_ms']} ms of CPU per job.")
    return [result]
