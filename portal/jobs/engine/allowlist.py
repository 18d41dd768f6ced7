"""From a record in Redis to a call, or a refusal. Whoever can write into Redis must not be able to choose
what runs: only functions of the table, only row ids as arguments, only JSON. Runs nothing.
"""

import importlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from portal.jobs.table import JobSpec


class RefusedError(Exception):
    """The record does not describe a job of the table; nothing of it was run."""


@dataclass(frozen=True, slots=True)
class Call:
    """One job as the table knows it. `spec`, not the record, says how long it may take and if it repeats."""

    name: str
    spec: JobSpec
    ids: tuple[int, ...]

    def __call__(self) -> None:
        load(self.spec.function)(*self.ids)


class Allowlist:
    def __init__(self, jobs: Mapping[str, JobSpec]) -> None:
        self._names = {spec.function: name for name, spec in jobs.items()}
        self._jobs = jobs

    def preload(self) -> None:
        """Import every job module now, in the main thread, so that a missing one is found at start."""
        for spec in self._jobs.values():
            load(spec.function)

    def resolve(self, data: bytes) -> Call:
        """The call that `data` (the field of RQ's record) asks for. Raises RefusedError."""
        function, instance, args, kwargs = _parse(data)
        name = self._names.get(function) if isinstance(function, str) else None
        if name is None:
            raise RefusedError(f"{function!r} is not a job of this portal")
        if instance is not None or kwargs:
            raise RefusedError(f"{name} was given an object or named arguments; jobs take row ids only")
        if not isinstance(args, list) or not all(type(each) is int for each in args):
            raise RefusedError(f"{name} was given something else than row ids")
        return Call(name, self._jobs[name], tuple(args))


def _parse(data: bytes) -> tuple[Any, Any, Any, Any]:
    try:
        text = zlib.decompress(data)  # RQ compresses when it saves a record again
    except zlib.error:
        text = data
    try:
        function, instance, args, kwargs = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise RefusedError("the job is not written in JSON as this portal writes it") from None
    return function, instance, args, kwargs


@cache
def load(dotted: str) -> Callable[..., None]:
    """The function behind a dotted name of the table."""
    module, _, name = dotted.rpartition(".")
    function: Callable[..., None] = getattr(importlib.import_module(module), name)
    return function
