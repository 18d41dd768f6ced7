"""The first minute of `portal up`: waits for the children, seeds the demo, and prints where to go."""

import http.client
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from portal.commands.process_table import Plan
from portal.embedded import ports
from portal.embedded.oneshot import run_once
from portal.embedded.supervisor import Supervisor

#: Generous: a small machine compiles all of Python's bytecode on the first start.
ANSWER_SECONDS = 120.0


class Onboarding:
    """Runs beside the supervisor, in a thread of its own."""

    def __init__(
        self, supervisor: Supervisor, plan: Plan, env: dict[str, str], cwd: Path, *, demo: bool
    ) -> None:
        self._supervisor = supervisor
        self._plan = plan
        self._env = env
        self._cwd = cwd
        self._demo = demo

    def run(self) -> None:
        """Wait, seed, wait, print. Ends early when the supervisor stops; stops it when something fails."""
        story = self._seed() if self._demo else ""
        if story is not None and self._wait(self._web_answers, "web", f"port {self._plan.port}"):
            self._print(story)

    def _seed(self) -> str | None:
        plan = self._plan
        if not self._wait(lambda: ports.answers(plan.sandbox_port), "sandbox", f"port {plan.sandbox_port}"):
            return None
        seeded = run_once((*plan.portal, "seed-demo"), self._env, self._cwd, self._supervisor.stopping)
        if seeded is None:
            return None
        if seeded.code:
            self._supervisor.fail(
                f"The demo could not be set up: {seeded.last_words}. Everything was stopped again. "
                "`portal up` starts without the demo."
            )
            return None
        return seeded.stdout

    def _wait(self, answers: Callable[[], bool], name: str, where: str) -> bool:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._supervisor.stopping.wait(0.1):
            if answers():
                return True
            if time.monotonic() > deadline:
                self._supervisor.fail(
                    f"{name} did not answer on {where} within {ANSWER_SECONDS:.0f} s; everything was stopped "
                    f"again. Its lines above say why."
                )
        return False

    def _web_answers(self) -> bool:
        # Not urllib: that would ask a proxy from the environment for our own loopback address.
        connection = http.client.HTTPConnection("127.0.0.1", self._plan.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _print(self, story: str) -> None:
        text = Text(f"Portico is ready: {self._env['PORTAL_PUBLIC_URL']}\n", style="bold")
        text.append("Ctrl-C stops everything and keeps the data.", style="not bold")
        console = Console(highlight=False)
        with console.capture() as capture:
            console.print(Panel.fit(text, border_style="green"))
        # Below the box rather than inside: a command to copy must not be broken into lines.
        self._supervisor.show(f"{capture.get()}{story}".rstrip() + "\n")
