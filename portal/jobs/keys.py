"""The names of RQ's keys in Redis, taken from RQ's own templates. Talks to nobody."""

from rq.defaults import RQ_KEY_PREFIX
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.job import Job
from rq.queue import Queue
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.worker import BaseWorker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY

QUEUES = str(Queue.redis_queues_keys)
WORKERS = str(REDIS_WORKER_KEYS)
#: Ours: the schedulers by their last sign of life.
SCHEDULERS = "portal:schedulers"


def queue(name: str) -> str:
    return f"{Queue.redis_queue_namespace_prefix}{name}"


def job(job_id: str) -> str:
    return f"{Job.redis_job_namespace_prefix}{job_id}"


def results(job_id: str) -> str:
    return str(Result.get_key(job_id))  # type: ignore[no-untyped-call]


def started(queue_name: str) -> str:
    return str(StartedJobRegistry.key_template.format(queue_name))


def finished(queue_name: str) -> str:
    return str(FinishedJobRegistry.key_template.format(queue_name))


def failed(queue_name: str) -> str:
    return str(FailedJobRegistry.key_template.format(queue_name))


def scheduled(queue_name: str) -> str:
    return str(ScheduledJobRegistry.key_template.format(queue_name))


def workers_of(queue_name: str) -> str:
    return str(WORKERS_BY_QUEUE_KEY % queue_name)


def worker_executions(worker_name: str) -> str:
    return str(WORKER_EXECUTIONS_KEY_TEMPLATE.format(worker_name))


def execution(composite: str) -> str:
    """`composite` is job id and attempt, with a colon between them."""
    return f"{RQ_KEY_PREFIX}:execution:{composite}"


def worker(name: str) -> str:
    return f"{BaseWorker.redis_worker_namespace_prefix}{name}"
