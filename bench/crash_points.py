"""The named crash points of the order protocol, and how a process is made to die or to freeze at one of them.

The product knows nothing of this: a process that is to be struck wraps the functions of the table from
outside before it starts its work. The blow itself is real, a signal to its own process.
"""

import importlib
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from portal.services.intents import Intended

#: `LATE` is the time limit of the job, as the worker's watch enforces it.
KILL, STOP, LATE = "KILL", "STOP", "LATE"
ENTRY, CLOSE, GUARD = "entry", "close", "guard"
PUBLISHER, WORKER = "publisher", "worker"

#: What the thread does now: the kind of order it places, and whether that order's own request is under way.
_now = threading.local()
Applies = Callable[[Mapping[str, Any], Any], bool]


def _always(_given: Mapping[str, Any], _result: Any) -> bool:
    return True


def _answers(_given: Mapping[str, Any], result: Any) -> bool:
    return result is not None


def _is_order_request(_given: Mapping[str, Any], _result: Any) -> bool:
    return bool(getattr(_now, "ordering", False))


@dataclass(frozen=True, slots=True)
class Point:
    """Between which two lines a process dies. `target` is passed, before or `after` it did its work."""

    name: str
    sentence: str
    module: str
    target: str
    after: bool = False
    who: str = WORKER
    #: Which passings count, by the named arguments and (after) the result.
    applies: Applies = _always

    def find(self) -> tuple[Any, str, Callable[..., Any]]:
        """The object that holds the function, its name there, and the function. Raises AttributeError."""
        holder = importlib.import_module(self.module)
        *path, name = self.target.split(".")
        for part in path:
            holder = getattr(holder, part)
        return holder, name, getattr(holder, name)


_CLAIMS, _HTTP = "portal.services.claims", "portal.exchanges.ccxt_http"
_INTENTS, _RECORDING = "portal.services.intents", "portal.services.recording"
_QUEUES, _CONNECTION = "portal.jobs.queues", "urllib3.connection"

_TABLE = (
    Point("C01", "signal and executions written, not committed", "portal.services.fanout", "fan_out", True,
          PUBLISHER),
    Point("C02", "committed, no job asked for", _QUEUES, "enqueue_many", False, PUBLISHER),
    Point("C03", "jobs queued, nobody told", _QUEUES, "enqueue_many", True, PUBLISHER),
    Point("C04", "execution claimed", _CLAIMS, "claim", True, applies=_answers),
    Point("C05", "checked and sized, nothing written", _INTENTS, "intend_entry"),
    Point("C06", "intent committed, nothing sent", _INTENTS, "intend_entry", True,
          applies=lambda _given, result: isinstance(result, Intended)),
    Point("C07", "last look at the clock, request not made", "portal.exchanges.ccxt_place", "_send"),
    Point("C08", "all checks passed, socket not touched", _HTTP, "_exchange", applies=_is_order_request),
    Point("C09", "half of the request on the wire", _CONNECTION, "HTTPConnection.endheaders", True,
          applies=_is_order_request),
    Point("C10", "accepted, answer not read", _CONNECTION, "HTTPConnection.getresponse", True,
          applies=_is_order_request),
    Point("C11", "answer read, not stored", _RECORDING, "record_report",
          applies=lambda given, _result: given.get("answered_at") is not None),
    Point("C12", "found at the exchange, not stored", _RECORDING, "record_report",
          applies=lambda given, _result: bool(given.get("resolved"))),
    Point("C13", "absence proved, not stored", _RECORDING, "record_absent"),
    Point("C14", "absence stored, claimed for the second order", _CLAIMS, "claim", True,
          applies=lambda _given, result: result is not None and result[0].generation > 0),
    Point("C15", "fills written, position not committed", "portal.services.booking", "book", True,
          applies=_answers),
    Point("C16", "guards intended, not sent", "portal.services.protection.job", "next_step", True,
          applies=lambda _given, result: bool(result.place)),
)  # fmt: skip
POINTS: Mapping[str, Point] = {point.name: point for point in _TABLE}


@dataclass(frozen=True, slots=True)
class Strike:
    """One blow: at the `nth` passing of a point, by any order or by those of one `kind`."""

    point: str
    blow: str = KILL
    nth: int = 1
    kind: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"point": self.point, "blow": self.blow, "nth": self.nth, "kind": self.kind}


def arm(strike: Strike, witness: str) -> None:
    """Let this process be struck once. Right before the blow it writes a line to the file `witness`."""
    point = POINTS[strike.point]
    holder, name, function = point.find()
    passings = itertools.count(1)

    def maybe(given: Mapping[str, Any], result: Any) -> None:
        right_kind = strike.kind in (None, getattr(_now, "kind", None))
        if right_kind and point.applies(given, result) and next(passings) == strike.nth:
            _blow(strike, witness)

    @wraps(function)
    def passed(*args: Any, **kwargs: Any) -> Any:
        if not point.after:
            maybe(kwargs, None)
        result = function(*args, **kwargs)
        if point.after:
            maybe(kwargs, result)
        return result

    setattr(holder, name, passed)
    # Around what was wrapped just now: it is known what a thread does before it passes the point.
    _watch_orders()


def _blow(strike: Strike, witness: str) -> None:
    line = json.dumps(strike.to_json() | {"pid": os.getpid(), "order": getattr(_now, "kind", None)})
    file = os.open(witness, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, line.encode() + b"\n")
    os.close(file)
    if strike.blow == LATE:
        importlib.import_module("portal.jobs.engine.running")._raise_in(
            threading.get_ident(), importlib.import_module("rq.timeouts").JobTimeoutException
        )
        return
    # At this thread, so that it does not run on until another one has noticed; both stop the whole process.
    signal.pthread_kill(threading.get_ident(), signal.SIGKILL if strike.blow == KILL else signal.SIGSTOP)


def _watch_orders() -> None:
    """Note per thread which kind of order is being placed, and when its own request is on the wire."""
    placing, http = importlib.import_module("portal.services.placing"), importlib.import_module(_HTTP)
    place, exchange = placing.place, http._exchange

    def noting_kind(intended: Intended, venue: Any) -> None:
        guards = intended.request.trigger_price is not None and not intended.is_entry
        _now.kind = ENTRY if intended.is_entry else GUARD if guards else CLOSE
        try:
            place(intended, venue)
        finally:
            _now.kind = None

    def noting_request(pool: Any, method: str, target: str, *rest: Any) -> Any:
        _now.ordering = method == "POST" and target.partition("?")[0].lower().endswith("order")
        try:
            return exchange(pool, method, target, *rest)
        finally:
            _now.ordering = False

    vars(placing).update(place=noting_kind)
    vars(http).update(_exchange=noting_request)
