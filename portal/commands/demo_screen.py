"""What the audience of `portal demo` sees: a line per act, moving on a terminal and plain anywhere else."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

_MARKS = {"done": ("✔", "green"), "failed": ("✘", "red")}


@dataclass(slots=True)
class Act:
    """One part of the story. `say` may be called as often as there is news."""

    title: str
    detail: str = ""
    state: str = "running"
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def say(self, detail: str) -> None:
        self.detail = detail


class Screen:
    """Safe to use from another thread than the one that opened it."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._acts: list[Act] = []
        self._spinner = Spinner("dots")
        self._lock = threading.Lock()
        self._live: Live | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Draw until the block ends."""
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._draw, console=self.console, refresh_per_second=8) as live:
            self._live = live
            yield
        self._live = None

    @contextmanager
    def act(self, title: str) -> Iterator[Act]:
        """One act; failed when its block raises."""
        act = Act(title)
        with self._lock:
            self._acts.append(act)
        try:
            yield act
        except BaseException:
            act.state = "failed"
            raise
        else:
            act.state = "done"
        finally:
            act.seconds = time.monotonic() - act.started
            if self._live is None:
                self.console.print(self._line(act), soft_wrap=True)

    def _draw(self) -> Group:
        with self._lock:
            acts = list(self._acts)
        lines: list[RenderableType] = []
        for act in acts:
            if act.state == "running":
                self._spinner.text = self._line(act)
                lines.append(self._spinner)
            else:
                lines.append(self._line(act))
        return Group(*lines)

    @staticmethod
    def _line(act: Act) -> Text:
        text = Text()
        mark, colour = _MARKS.get(act.state, ("", ""))
        if mark:
            text.append(f"{mark} ", style=f"bold {colour}")
        text.append(act.title, style="bold")
        if act.detail:
            text.append(f"  {act.detail}")
        seconds = act.seconds or time.monotonic() - act.started
        text.append(f"  {seconds:.1f} s", style="dim")
        return text
