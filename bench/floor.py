"""A whole portal for one measurement: PostgreSQL, Redis, the practice exchange and workers as real processes
on a data dir of their own, all gone when the block ends."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from redis import Redis, RedisError

from bench.children import Child, until
from bench.crash_points import Strike
from bench.nursery import Forked, Nursery
from portal import create_app, embedded
from portal.commands.process_table import PORTAL, Plan, child_env
from portal.config import Settings
from portal.db import db
from portal.embedded import ports
from portal.exchanges.sandbox.client import SandboxControl
from portal.models import ADMIN
from portal.services.users import create_user

#: A bench publishes faster than anybody means to trade.
_UNUSUAL = {"PORTAL_LOG_LEVEL": "WARNING", "PORTAL_RUNAWAY_ENTRIES_PER_MINUTE": "100000"}
_OURS = ("PORTAL_", "DATABASE_URL", "REDIS_URL")


class Floor:
    """Where a measurement happens. Helpers run in this process; whatever is measured runs in children."""

    def __init__(self, settings: Settings, services: embedded.Services, data_dir: Path) -> None:
        self.services = services
        self.data_dir = data_dir
        self._sandbox_port = ports.pick(0)
        plan = Plan(PORTAL, ports.pick(0), self._sandbox_port, 1, data_dir)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self.env = child_env(services.settings, plan, clean) | _UNUSUAL
        self.settings = replace(
            services.settings, exchange_urls={"sandbox": plan.sandbox_url, "sandboxusdm": plan.sandbox_url}
        )
        self.web_port = plan.port
        self.sandbox = SandboxControl(plan.sandbox_url, timeout=120)
        self.redis = Redis.from_url(str(self.settings.redis_url))
        self.children: list[Child | Forked] = []
        self._nursery: Nursery | None = None
        self.app: Flask = create_app(self.settings, faces=False)
        self.admin_id = 0

    def open(self, seed: int) -> None:
        """Schema, administrator, practice exchange."""
        upgrade()
        db.session.remove()
        self.admin_id = create_user("bench@example.com", ADMIN, actor="bench")[0].id
        self.market = self.child("sandbox", "--port", str(self._sandbox_port), "--seed", str(seed))
        until("The practice exchange", lambda: ports.answers(self._sandbox_port), 30)
        self.sandbox.set_walk(0)

    def child(self, *arguments: str, **env: str) -> Child:
        """Start `portal …` beside the others."""
        log = self.data_dir / f"{arguments[0]}.log"
        child = Child(*arguments, env=self.env | env, log=log)
        self.children.append(child)
        return child

    @property
    def nursery(self) -> Nursery:
        """Forks processes of this floor; started when it is needed first."""
        if self._nursery is None:
            self._nursery = Nursery(self.env, self.data_dir)
        return self._nursery

    def fork(self, *arguments: str, strike: Strike | None = None, **env: str) -> Forked:
        """Start `portal …` in a tenth of a second, to be struck at a crash point or not."""
        child = self.nursery.fork(*arguments, strike=strike, **env)
        self.children.append(child)
        return child

    def module(self, name: str, *arguments: str) -> Child:
        """Start `python -m name …` beside the others."""
        log = self.data_dir / f"{name}.log"
        child = Child(*arguments, env=self.env, log=log, module=name)
        self.children.append(child)
        return child

    def workers(self, count: int, concurrency: int, **env: str) -> list[Child]:
        """Start workers, and wait until each has registered and knows the markets."""
        before, loaded = self.registered(), self._market_loads()
        started = [self.child("worker", "--concurrency", str(concurrency), **env) for _ in range(count)]
        until("The start of the workers", lambda: self.registered() >= before + count, 60)
        until("Loading the markets", lambda: self._market_loads() >= loaded + count, 60)
        return started

    def registered(self) -> int:
        """Workers that Redis knows."""
        return int(self.redis.scard("rq:workers"))  # type: ignore[arg-type]

    def postgres_pid(self) -> int:
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    def redis_pid(self) -> int:
        return int(self.redis.info("server")["process_id"])  # type: ignore[index]

    def kill_redis(self) -> None:
        """kill -9 Redis, and bring it back as `portal up` does."""
        os.kill(self.redis_pid(), signal.SIGKILL)
        until("The return of Redis", self._redis_answers, 20)

    def stop(self, *children: Child | Forked) -> None:
        """Stop these, as a deploy does, or everything, last started first."""
        for child in children or tuple(reversed(self.children)):
            child.stop()
            self.children.remove(child)
        if not children and self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _redis_answers(self) -> bool:
        self.services.ensure()
        try:
            return bool(self.redis.ping())
        except RedisError:
            return False

    def _market_loads(self) -> int:
        return int(self.sandbox.requests(limit=1)["by_endpoint"].get("ticker", 0))


@contextmanager
def floor(*, durable: bool = True, seed: int = 1, **settings: object) -> Iterator[Floor]:
    """Open a floor in a temporary directory. Everything stops when the block ends, also on ctrl-C."""
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="portico-bench-", ignore_cleanup_errors=True)
        data_dir = embedded.make_data_dir(Path(stack.enter_context(folder)) / "var")
        given = Settings(data_dir=data_dir, log_level="WARNING")
        services = stack.enter_context(embedded.hold(given, durable=durable))
        opened = Floor(given, services, data_dir)
        stack.callback(opened.stop)
        stack.enter_context(opened.app.app_context())
        stack.callback(_close, opened)
        opened.open(seed)
        yield opened


def _close(opened: Floor) -> None:
    opened.redis.close()
    db.session.remove()
    db.engine.dispose()
