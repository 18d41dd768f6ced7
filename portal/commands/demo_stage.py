"""Where `portal demo` plays: a data directory and ports of its own, and all the real processes. Afterwards
nothing of it is left, unless it failed or somebody wants to look."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

from portal import embedded
from portal.commands.demo_screen import Screen
from portal.commands.demo_story import Story
from portal.commands.process_table import PORTAL, Plan, child_env, process_table
from portal.commands.up import ROOT, interruptible
from portal.config import Settings
from portal.embedded import ports
from portal.embedded.oneshot import run_once
from portal.embedded.supervisor import Supervisor
from portal.errors import EmbeddedError, PortalError

_FOREIGN = ("PORTAL_", "DATABASE_URL", "REDIS_URL")
#: Quick answers, so that a lost one is noticed within the attention span of an audience.
_OWN = {"PORTAL_EXCHANGE_TIMEOUT_SECONDS": "3", "PORTAL_LOG_LEVEL": "INFO"}


def run_demo(*, keep: bool = False) -> int:
    """Play the story. Returns 0 when everything agreed, else 1; says what did not, and where the logs are."""
    home = Path(tempfile.mkdtemp(prefix="portico-demo-"))
    console = Console(highlight=False)
    failed = wanted = True
    try:
        with interruptible():
            failed = not _play(home, Screen(console))
    except KeyboardInterrupt:
        wanted = False
        console.print("Stopped before the end. Nothing is left running.")
    except PortalError as error:
        console.print(f"[red]portal demo:[/red] {error.message}", soft_wrap=True)
    finally:
        if keep or (failed and wanted):
            console.print(f"Logs and data are in {home}.", soft_wrap=True)
        else:
            shutil.rmtree(home, ignore_errors=True)
    return 1 if failed else 0


def _play(home: Path, screen: Screen) -> bool:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)} | _OWN
    with screen.open(), ExitStack() as stack:
        with screen.act("PostgreSQL and Redis start"):
            settings = Settings.from_env({**environ, "PORTAL_DATA_DIR": str(home)})
            services = stack.enter_context(embedded.hold(settings))
        plan = Plan(PORTAL, ports.pick(8090), ports.pick(9090), 1, home)
        env = child_env(services.settings, plan, environ)
        with screen.act("The schema is made"):
            _migrate(plan, env)
        story = Story(screen, plan, Settings.from_env(env))
        _perform(story, plan, env, services)
    story.print_result()
    return story.agreed


def _migrate(plan: Plan, env: Mapping[str, str]) -> None:
    done = run_once((*plan.portal, "db", "upgrade"), env, ROOT)
    if done is None or done.code:
        raise EmbeddedError(f"The schema could not be made: {done.last_words if done else 'interrupted'}.")


def _perform(story: Story, plan: Plan, env: Mapping[str, str], services: embedded.Services) -> None:
    """The processes in this thread, which gets the signals; the story beside them."""
    with (plan.data_dir / "processes.log").open("w", encoding="utf-8") as log:
        supervisor = Supervisor(process_table(plan), env, ROOT, output=log, ensure=services.ensure)
        supervisor.run_beside(partial(story.run, supervisor), "story")
    if story.interrupted and not supervisor.failure:
        raise KeyboardInterrupt
    if supervisor.failure:
        raise EmbeddedError(supervisor.failure)
