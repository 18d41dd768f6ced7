"""`portal up`: everything on this machine under one supervisor. Trades nothing itself; the children do."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from portal import embedded
from portal.commands.onboarding import Onboarding
from portal.commands.process_table import PORTAL, Plan, child_env, process_table
from portal.config import Settings
from portal.embedded import ports
from portal.embedded.locks import FileLock
from portal.embedded.oneshot import run_once
from portal.embedded.supervisor import Supervisor
from portal.errors import ConfigError, EmbeddedError, PortalError

ROOT = Path(__file__).resolve().parents[2]
SANDBOX_PORT = 9000
#: A web process that was killed a moment ago still holds the port for about a second.
PORT_SECONDS = 2.0


def run_up(
    port: int = 8000, demo: bool = False, workers: int = 1, *, portal: tuple[str, ...] = PORTAL
) -> int:
    """Start everything, block until ctrl-C or SIGTERM, stop everything. Returns the exit code.

    `portal` is the command that the children are started with. May be repeated; a second one on the same data
    dir fails with a sentence while the first one runs.
    """
    try:
        with interruptible():
            _run(port, demo, workers, portal)
    except KeyboardInterrupt:
        return 0
    except PortalError as error:
        Console(stderr=True, highlight=False).print(f"[red]portal up:[/red] {error.message}", soft_wrap=True)
        return 1
    return 0


def _run(port: int, demo: bool, workers: int, portal: tuple[str, ...]) -> None:
    settings = Settings.from_env()
    data_dir = embedded.make_data_dir(settings.data_dir)
    with only_one(data_dir), ExitStack() as stack:
        if not ports.becomes_free(port, PORT_SECONDS):
            raise ConfigError(
                f"Port {port} is in use by another program; nothing was started. "
                f"Stop that program, or choose another port: make run PORT={port + 80} "
                f"(portal up --port {port + 80})."
            )
        with step("PostgreSQL and Redis"):
            services = stack.enter_context(embedded.hold(settings))
        stack.callback(print, "  Stopping PostgreSQL and Redis …", flush=True)
        plan = Plan(portal, port, ports.pick(SANDBOX_PORT), workers, data_dir)
        env = child_env(services.settings, plan, os.environ)
        migrate(plan, env)
        supervise(plan, env, services, demo)


def migrate(plan: Plan, env: dict[str, str]) -> None:
    """Bring the schema up to date. May be repeated. Raises EmbeddedError with the command's last words."""
    with step("Database schema"):
        done = run_once((*plan.portal, "db", "upgrade"), env, ROOT)
    if done is None or done.code:
        words = done.last_words if done else "interrupted"
        raise EmbeddedError(
            f"The database schema could not be brought up to date: {words}. Nothing was started. "
            "`portal db upgrade` shows the whole story."
        )


def supervise(plan: Plan, env: dict[str, str], services: embedded.Services, demo: bool) -> None:
    """Run the process table until told to stop. Raises EmbeddedError when it stopped for another reason."""
    supervisor = Supervisor(process_table(plan), env, ROOT, ensure=services.ensure)
    onboarding = Onboarding(supervisor, plan, env, ROOT, demo=demo)
    supervisor.run_beside(onboarding.run, "onboarding")
    if supervisor.failure:
        raise EmbeddedError(supervisor.failure)


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data dir. Raises EmbeddedError when another supervisor does."""
    lock = FileLock(data_dir / "run" / "up.lock")
    if not lock.try_exclusive():
        raise EmbeddedError(
            f"Portico is already running on {data_dir} (process {lock.read() or 'unknown'}); "
            "nothing was started. Stop that one with ctrl-C, or choose another PORTAL_DATA_DIR."
        )
    try:
        lock.write(f"{os.getpid()}\n")
        yield
    finally:
        lock.write("")
        lock.release()


@contextmanager
def interruptible() -> Iterator[None]:
    """Outside of the supervisor's own loop, SIGTERM and SIGHUP unwind like ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is being waited for, and how long it took."""
    started = time.monotonic()
    print(f"  {title} … ", end="", flush=True)
    done = "failed"
    try:
        yield
        done = f"{time.monotonic() - started:.1f} s"
    finally:
        print(done, flush=True)
