"""From the queues to `Running`: pop, mark as started, resolve, refuse. A popped job that cannot be started
goes back to the front of its queue. Starts nothing itself.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from redis import Redis, RedisError

from portal.jobs import keys
from portal.jobs.engine.allowlist import Allowlist, RefusedError
from portal.jobs.engine.books import Books
from portal.jobs.engine.lanes import Offer
from portal.jobs.engine.running import Running

logger = logging.getLogger(__name__)

#: One queue and job ids taken from it, in order.
Taken = tuple[str, list[str]]


class Intake:
    def __init__(
        self, connection: Redis, allowlist: Allowlist, books: Books, on_refusal: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._allowlist = allowlist
        self._books = books
        self._on_refusal = on_refusal

    def take(self, offer: Offer, wait: float) -> Taken | None:
        """Take up to `offer.count` jobs from the first queue that has any; wait `wait` seconds for one.

        Raises RedisError. A crash from here on loses queue entries only: the rows know what is to do.
        """
        if wait <= 0:
            for queue in offer.queues:
                if ids := self._pop(queue, offer.count):
                    return queue, ids
            return None
        found: Any = self._connection.blpop([keys.queue(queue) for queue in offer.queues], timeout=wait)
        if found is None:
            return None
        key, first = found
        queue = key.decode().removeprefix(keys.queue(""))
        return queue, [first.decode(), *(self._pop(queue, offer.count - 1) if offer.count > 1 else [])]

    def give_back(self, taken: Taken) -> None:
        """Put the jobs back to the front, in their old order."""
        queue, ids = taken
        self._books.write(lambda pipe: pipe.lpush(keys.queue(queue), *reversed(ids)))

    def begin(self, taken: Taken) -> list[Running]:
        """Mark the jobs as started, all in one round trip; the answer holds those that may run.

        Raises RedisError when Redis went away in between; the jobs go back when it returns.
        """
        queue, ids = taken
        now = datetime.now(UTC)
        executions = [uuid4().hex for _ in ids]
        pipe = self._connection.pipeline(transaction=False)
        for job_id, execution_id in zip(ids, executions, strict=True):
            pipe.hmget(keys.job(job_id), "data", "retries_left")
            self._books.started(pipe, queue, job_id, execution_id, now)
        try:
            answers = pipe.execute()
        except (RedisError, OSError):
            self._books.write_later(lambda pipe: pipe.lpush(keys.queue(queue), *reversed(ids)))
            raise
        records = answers[:: len(answers) // len(ids)]
        found = zip(ids, executions, records, strict=True)
        begun = [self._resolve(queue, now, job_id, *each) for job_id, *each in found]
        return [running for running in begun if running is not None]

    def _resolve(
        self, queue: str, now: datetime, job_id: str, execution_id: str, record: Sequence[bytes | None]
    ) -> Running | None:
        data, retries_left = record
        if data is None:
            # Deleted or expired while it waited; what `started` wrote is all there is.
            self._books.write(lambda pipe: _undo(pipe, queue, job_id, execution_id))
            return None
        try:
            call = self._allowlist.resolve(data)
        except RefusedError as refusal:
            text = f"Refused, nothing was run: {refusal}."
            logger.error("job %s in queue %s was refused: %s", ascii(job_id), queue, refusal)
            self._books.write(lambda pipe: _refuse(pipe, self._books, queue, job_id, execution_id, text))
            self._on_refusal(f"queue {queue}: {refusal}")
            return None
        # The table decides whether a job may be repeated at all, the record only how often it still may.
        left = min(int(retries_left or 0), len(call.spec.retry_delays))
        return Running(job_id, queue, call, left, execution_id, now)

    def _pop(self, queue: str, count: int) -> list[str]:
        ids: Any = self._connection.lpop(keys.queue(queue), count)
        return [each.decode() for each in ids or ()]


def _undo(pipe: Any, queue: str, job_id: str, execution_id: str) -> None:
    pipe.delete(keys.job(job_id))
    pipe.zrem(keys.started(queue), f"{job_id}:{execution_id}")


def _refuse(pipe: Any, books: Books, queue: str, job_id: str, execution_id: str, text: str) -> None:
    books.mark_failed(pipe, queue, job_id, text)
    pipe.zrem(keys.started(queue), f"{job_id}:{execution_id}")
