"""A worker of the sample table as a process of its own: `python -m tests.jobs.worker_process URL`."""

import logging
import sys

from portal.jobs.engine.upkeep import Pace
from portal.jobs.queues import connect
from portal.jobs.serializing import refuse_pickle
from portal.jobs.worker import PortalWorker
from tests.jobs import sample_jobs

PACE = Pace(wait=0.2, due=0.1, heartbeat=0.2, clean=0.2, job_lease=1.0, worker_lease=2)


def main(url: str) -> int:
    logging.basicConfig(level=logging.INFO)
    refuse_pickle()
    client = connect(url, timeout=5)
    sample_jobs.use_redis(client)
    PortalWorker(
        client, lambda call: call(), concurrency=4, jobs=sample_jobs.TABLE, pace=PACE, warm_shutdown=3
    ).work()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
