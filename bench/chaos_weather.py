"""What goes wrong around the workers of a chaos run: the exchange, Redis, PostgreSQL and the scheduler."""

import math
import random
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from redis import RedisError

from bench.chaos_plan import Toll
from bench.floor import Floor
from bench.nursery import Forked

#: Name under which the harness itself is connected; whoever has it is not cut.
US = "chaos"
#: Faults of the practice exchange: kind, endpoint, share of requests, and what else it needs.
_FAULTS: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("accept_no_answer", "order", 0.06, {}),
    ("close_before_accept", "order", 0.05, {}),
    ("http_after", "order", 0.05, {"status": 502, "body": "html"}),
    ("http_after", "order", 0.05, {"status": 504, "body": "empty"}),
    ("http_before", "order", 0.05, {"status": 503, "body": "text"}),
    ("empty_200", "order", 0.04, {}),
    ("garbage_200", "order", 0.03, {}),
    ("truncated_json", "order", 0.03, {}),
    ("json_without_id", "order", 0.03, {}),
    ("delay", "order", 0.03, {"seconds": 8}),
    ("invisible", "order", 0.15, {"seconds": 4}),
    ("cancelled_by_exchange", "order", 0.02, {"fraction": "0.5"}),
    ("http_before", "query", 0.15, {"status": 500}),
    ("accept_no_answer", "query", 0.1, {}),
    ("accept_no_answer", "cancel", 0.1, {}),
    ("http_before", "account", 0.1, {"status": 502, "body": "empty"}),
    ("close_before_accept", "myTrades", 0.1, {}),
)
_BACKENDS = f"""
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
AND pid <> pg_backend_pid() AND application_name <> '{US}'
"""  # noqa: S608 - our own constant
#: Looks again and again until somebody is caught in COMMIT, and cuts that connection.
_HUNT = f"""
DO $$ DECLARE victim integer; BEGIN
  FOR look IN 1..400 LOOP
    PERFORM pg_stat_clear_snapshot();
    SELECT pid INTO victim FROM ({_BACKENDS} AND state = 'active' AND query ILIKE 'commit%') AS found LIMIT 1;
    IF victim IS NOT NULL THEN
      PERFORM pg_terminate_backend(victim);
      RAISE EXCEPTION 'caught';
    END IF;
  END LOOP;
END $$
"""  # noqa: S608 - our own constant


@dataclass(slots=True)
class Weather:
    """Changes now and then; `tend` is called all the time."""

    here: Floor
    dice: random.Random
    toll: Toll
    accounts: Sequence[str]
    #: When the exchange takes stops again, by account.
    _no_stops: dict[str, float] = field(default_factory=dict)
    _next: dict[str, float] = field(default_factory=dict)
    _scheduler: Forked | None = None

    def begin(self) -> None:
        """Choose the accounts from which the exchange never takes a stop: what they hold must be alarmed."""
        chosen = self.dice.sample(self.accounts, max(1, len(self.accounts) // 10))
        self.toll.without_stops = frozenset(chosen)
        for name in chosen:
            self.here.sandbox.update_account(name, can_stop=False)
            self.toll.refusals["for ever"] += 1

    def tend(self) -> None:
        """Do what is due."""
        self._keep_scheduler()
        self._take_stops(time.monotonic())
        every = (
            (self._faults, 6, 14), (self._cut, 3, 8), (self._commit, 6, 14),
            (self._scheduler_dies, 20, 45), (self._redis, 25, 60), (self._refuse_stops, 5, 20),
        )  # fmt: skip
        now = time.monotonic()
        for turn, least, most in every:
            due = self._next.setdefault(turn.__name__, now + self.dice.uniform(0, most))
            if now >= due:
                self._next[turn.__name__] = now + self.dice.uniform(least, most)
                turn()

    def clear(self) -> None:
        """The trouble is over; only the accounts that were chosen for it stay without stops."""
        self._note_faults()
        self._take_stops(math.inf)
        self._keep_scheduler()

    def _keep_scheduler(self) -> None:
        if self._scheduler is None or not self._scheduler.running:
            if self._scheduler is not None:
                self.here.children.remove(self._scheduler)
            self._scheduler = self.here.fork("scheduler")

    def _faults(self) -> None:
        self._note_faults()
        for kind, endpoint, share, rule in self.dice.sample(_FAULTS, 5):
            self.here.sandbox.add_fault(kind, endpoint, probability=share, **rule)

    def _note_faults(self) -> None:
        for fault in self.here.sandbox.faults():
            self.toll.faults[fault["kind"]] += int(fault["fired"])
        self.here.sandbox.clear_faults()

    def _refuse_stops(self) -> None:
        """Some account has its stops refused, too short for an alarm or long enough for one."""
        name = self.dice.choice(self.accounts)
        if name not in self.toll.without_stops:
            self.here.sandbox.update_account(name, can_stop=False)
            self._no_stops[name] = time.monotonic() + self.dice.choice([10, 40, 90])
            self.toll.refusals["for a while"] += 1

    def _take_stops(self, now: float) -> None:
        for name in [name for name, until in self._no_stops.items() if until <= now]:
            del self._no_stops[name]
            self.here.sandbox.update_account(name, can_stop=True)

    def _scheduler_dies(self) -> None:
        if self._scheduler is not None:
            self._scheduler.signal(signal.SIGKILL)
            self.toll.kills["scheduler"] += 1

    def _redis(self) -> None:
        with suppress(RedisError):
            if self.dice.random() < 0.5:
                self.here.redis.flushall()
                self.toll.cuts["Redis emptied"] += 1
            else:
                self.here.kill_redis()
                self.toll.kills["Redis"] += 1

    def _cut(self) -> None:
        """End a few connections to the database, whatever they do."""
        with self._link() as link:
            found = [pid for (pid,) in link.execute(_BACKENDS).fetchall()]
            for pid in self.dice.sample(found, min(len(found), self.dice.randint(1, 3))):
                link.execute("SELECT pg_terminate_backend(%s)", [pid])
                self.toll.cuts["database connection"] += 1

    def _commit(self) -> None:
        """End a connection that is in COMMIT at this moment, when one can be caught."""
        with self._link() as link:
            try:
                link.execute(_HUNT)
            except psycopg.errors.RaiseException:
                self.toll.cuts["database connection in COMMIT"] += 1

    def _link(self) -> psycopg.Connection[Any]:
        url = str(self.here.settings.database_url).replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True, application_name=US)
