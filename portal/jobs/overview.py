"""The queues as people see them: what waits, runs, is planned and has failed. Plain values; reads nothing."""

from dataclasses import dataclass
from datetime import datetime

from portal.jobs.presences import Worker


@dataclass(frozen=True, slots=True)
class Entry:
    """One record in Redis. `name` is empty for what is none of our jobs, and for what is forgotten."""

    job_id: str
    queue: str
    name: str
    ids: tuple[int, ...]
    asked_at: datetime | None
    #: For what has no name: what it calls itself, scrubbed.
    called: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """`until`: then it is interrupted."""

    entry: Entry
    worker: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    """Starts by itself at `due_at`: a fan-out that is spread, or a second try."""

    entry: Entry
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """`text` is what the worker wrote down, scrubbed."""

    entry: Entry
    ended_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One queue in numbers. `oldest_at`: when the job was asked for that waits longest of the next ones."""

    queue: str
    waiting: int
    oldest_at: datetime | None
    running: int
    planned: int
    failed: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything, the most urgent queue first."""

    lines: tuple[Line, ...]
    waiting: tuple[Entry, ...]
    running: tuple[Running, ...]
    planned: tuple[Planned, ...]
    failed: tuple[Failed, ...]
    workers: tuple[Worker, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that are shown."""
        held: tuple[Running | Planned | Failed, ...] = (*self.running, *self.planned, *self.failed)
        return (*self.waiting, *(each.entry for each in held))

    @property
    def failures(self) -> int:
        return sum(line.failed for line in self.lines)
