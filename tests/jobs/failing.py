"""A failed job, as a worker leaves it in Redis."""

from redis import Redis

from portal.jobs.engine.books import Books
from portal.jobs.engine.outage import Outage


def fail(redis: Redis, queue: str, job_id: str, text: str) -> None:
    """Put `job_id` among the failed jobs of `queue`, with the text that the worker writes."""
    books = Books(redis, "tests", 45, Outage("tests"))
    assert books.write(lambda pipe: books.mark_failed(pipe, queue, job_id, text))
