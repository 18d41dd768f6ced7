"""The acts of `portal demo`, played against the real processes: web by HTTP, everything else by the
database."""

import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from portal import create_app
from portal.commands.demo_judge import Verdict, judge
from portal.commands.demo_look import Look
from portal.commands.demo_screen import Act, Screen
from portal.commands.process_table import Plan
from portal.config import Settings
from portal.db import db, utcnow
from portal.embedded import ports
from portal.embedded.supervisor import Supervisor
from portal.errors import PortalError
from portal.exchanges.sandbox.client import SandboxControl
from portal.services import analytics, books, demo, demo_content, monitor

_START = "60000"
_STOP = "58200"
_TARGETS = ("61800", "66000")
_ABOVE_FIRST_TARGET = "62000"
_BELOW_STOP = "58000"
_SAME_ALERT = 5


class Interrupted(Exception):
    """The audience left."""


class Story:
    """Runs beside the supervisor in a thread of its own, and stops it at the end."""

    def __init__(self, screen: Screen, plan: Plan, settings: Settings) -> None:
        self._screen = screen
        self._plan = plan
        self._settings = settings
        self._control = SandboxControl(plan.sandbox_url)
        self._look = Look()
        self._started_at = utcnow()
        self._supervisor: Supervisor | None = None
        self._verdict: Verdict | None = None
        #: Somebody pressed ctrl-C.
        self.interrupted = False

    @property
    def agreed(self) -> bool:
        return self._verdict is not None and not self._verdict.disagreements

    def run(self, supervisor: Supervisor) -> None:
        """Play all acts; what goes wrong becomes the supervisor's failure."""
        self._supervisor = supervisor
        try:
            self._wait_for_processes()
            app = create_app(self._settings, faces=False)
            with app.app_context():
                self._acts()
                db.session.remove()
                db.engine.dispose()
        except Exception as error:
            # Once everything is being stopped, whatever fails fails because of that.
            self.interrupted = supervisor.stopping.is_set()
            if not self.interrupted:
                words = (
                    error.message if isinstance(error, PortalError) else f"{type(error).__name__}: {error}"
                )
                supervisor.fail(words)
        finally:
            supervisor.stop()

    def print_result(self) -> None:
        """The table of the judge and the verdict."""
        if self._verdict is not None:
            self._verdict.print(self._screen.console)

    def _acts(self) -> None:
        token = self._seed()
        signal_id = self._send_signal(token)
        self._fan_out(signal_id)
        self._move_price(
            "The price rises through the first target", _ABOVE_FIRST_TARGET, self._look.first_targets_done
        )
        self._move_price("The price falls through the stops", _BELOW_STOP, self._look.all_closed)
        with self._screen.act("The nightly figures are written") as act:
            # Two days when the clock strikes midnight during the performance.
            for day in sorted({self._started_at.date(), utcnow().date()}):
                act.say(f"{analytics.update_analytics(day)} connections")
        with self._screen.act("The books are proved") as act:
            found = books.verify()
            act.say(f"{len(found)} disagreements" if found else "every position is the sum of its fills")
        with self._screen.act("The exchange is asked for its own count") as act:
            self._verdict = judge(self._control, [str(each) for each in found])
            act.say(f"{self._verdict.orders} orders, {self._verdict.fills} fills")

    def _wait_for_processes(self) -> None:
        with self._screen.act("Practice exchange, web, worker and scheduler start") as act:
            self._until(lambda: ports.answers(self._plan.sandbox_port), 60, "the practice exchange to answer")
            self._control.set_walk(0)
            self._control.set_price(demo_content.SANDBOX_SYMBOL, _START, hold=True)
            self._until(self._web_answers, 90, "the web server to answer")
            act.say(f"http://127.0.0.1:{self._plan.port}")

    def _seed(self) -> str:
        with self._screen.act("People, plans, presets and practice accounts are made") as act:
            seeded = demo.seed(self._control, actor="demo")
            if seeded is None:
                raise PortalError("The demo content was there already, in a directory that was new.")
            self._until(
                self._look.all_tested, 60, "the worker to test every connection", act, self._look.tested
            )
            return seeded.token

    def _send_signal(self, token: str) -> int:
        alert: dict[str, object] = {
            "symbol": demo_content.SANDBOX_SYMBOL, "direction": "buy", "sl": _STOP, "tp": list(_TARGETS),
            "plans": list(demo_content.PLANS), "id": "demo-signal",
        }  # fmt: skip
        with self._screen.act("One signal arrives by webhook") as act:
            with ThreadPoolExecutor(_SAME_ALERT) as pool:
                answers = list(pool.map(lambda _: self._post(token, alert), range(_SAME_ALERT)))
            created = [answer for status, answer in answers if status == 201]
            repeats = [answer for status, answer in answers if status == 200]
            if len(created) != 1 or len(repeats) != _SAME_ALERT - 1:
                raise PortalError(f"{_SAME_ALERT} times the same alert was answered with {answers}.")
            signal_id = int(created[0]["id"])
            act.say(f"{_SAME_ALERT} times at once: one signal, {created[0]['executions']} executions")
            return signal_id

    def _fan_out(self, signal_id: int) -> None:
        with self._screen.act("Every account gets its order, once") as act:
            self._until(
                lambda: self._look.all_settled(signal_id), 120, "every execution to be settled",
                act, lambda: self._look.executions(signal_id),
            )  # fmt: skip
        with self._screen.act("One answer was lost, and its order found") as act:
            events = self._look.lost_answer(signal_id)
            act.say(events)
            if "unresolved" not in events:
                raise PortalError(f"The faulty account was never in doubt: {events}.")
        with self._screen.act("Positions are open") as act:
            self._until(
                lambda: self._look.all_open(signal_id),
                30,
                "a position per filled order",
                act,
                self._look.positions,
            )
        with self._screen.act("Every stop is read back from the exchange") as act:
            self._until(self._look.all_proved, 60, "the guards of every position", act, self._look.protection)

    def _move_price(self, title: str, price: str, done: Callable[[], bool]) -> None:
        with self._screen.act(title) as act:
            self._control.set_price(demo_content.SANDBOX_SYMBOL, price, hold=True)

            def check() -> bool:
                # Not waiting for the minute: the same job, asked for at once.
                monitor.check_positions()
                return done()

            self._until(check, 120, "the exits to be filled", act, self._look.positions, pause=1.0)

    def _until(
        self,
        done: Callable[[], bool],
        seconds: float,
        what: str,
        act: Act | None = None,
        news: Callable[[], str] | None = None,
        *,
        pause: float = 0.2,
    ) -> None:
        deadline = time.monotonic() + seconds
        while True:
            finished = done()
            if act is not None and news is not None:
                act.say(news())
            if finished:
                return
            if time.monotonic() > deadline:
                raise PortalError(f"Waited {seconds:.0f} s for {what}, in vain.")
            if self._supervisor is not None and self._supervisor.stopping.wait(pause):
                raise Interrupted

    def _web_answers(self) -> bool:
        try:
            return self._request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _post(self, token: str, alert: dict[str, object]) -> tuple[int, Any]:
        return self._request("POST", f"/hooks/tradingview/{token}", json.dumps(alert))

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._plan.port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()
