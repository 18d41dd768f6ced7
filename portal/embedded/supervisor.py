"""Runs a table of processes: starts them in stages, restarts what crashes, stops them in order.

honcho's own Manager stops everything when one process ends; see docs/adr/0002-supervisor.md.
"""

import contextlib
import datetime
import itertools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import TextIO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from portal.embedded.children import Child, ProcessSpec

SYSTEM = "portico"
TICK_SECONDS = 0.1


class Supervisor:
    """Owns the children. `run` blocks in the main thread; everything else may be called from any thread."""

    def __init__(
        self,
        specs: Iterable[ProcessSpec],
        env: Mapping[str, str],
        cwd: Path,
        *,
        output: TextIO | None = None,
        ensure: Callable[[], None] = lambda: None,
    ) -> None:
        self.children = [Child(spec, env, cwd) for spec in sorted(specs, key=lambda spec: spec.stage)]
        self.stopping = threading.Event()
        self.failure: str | None = None
        self._ensure = ensure
        self._hurry = threading.Event()
        self._lock = threading.Lock()
        self._printer = Printer(output or sys.stdout)
        self._printer.width = max([len(SYSTEM), *(len(child.spec.name) for child in self.children)])
        names = [child.spec.name for child in self.children]
        self._colours = dict(zip(names, get_colours(), strict=False))

    def run(self) -> None:
        """Start everything, keep it running until `stop` or a signal that says so, then stop it in order."""
        previous = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            for child in self.children:
                child.start(self._relay)
            for turn in itertools.count():
                if self.stopping.wait(TICK_SECONDS):
                    break
                self._look_after_children()
                if turn % 10 == 0:
                    self._ensure()
        finally:
            self.stopping.set()
            self._shut_down()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def run_beside(self, work: Callable[[], None], name: str) -> None:
        """`run`, with `work` in a thread of its own beside it, until both have ended."""
        thread = threading.Thread(target=work, name=name)
        thread.start()
        try:
            self.run()
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """Ask for an orderly stop; returns at once."""
        self.stopping.set()

    def fail(self, sentence: str) -> None:
        """Stop everything because of this; the caller of `run` shows the sentence."""
        self.failure = self.failure or sentence
        self.stopping.set()

    def say(self, text: str, name: str = SYSTEM) -> None:
        """Print with the prefix of `name`. A closed terminal is no reason to stop trading."""
        message = Message("line", text, datetime.datetime.now(), name, self._colours.get(name))  # noqa: DTZ005 - wall clock of the reader
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._printer.write(message)

    def show(self, text: str) -> None:
        """Print several lines without a prefix and without another process's lines in between."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            print(text, file=self._printer.output, flush=True)  # noqa: T201 - the terminal is the interface

    def _relay(self, name: str, line: bytes) -> None:
        self.say(line.decode("utf-8", "replace"), name)

    def _look_after_children(self) -> None:
        for child in self.children:
            if child.running:
                continue
            if child.pid is not None:
                self._on_exit(child)
            elif time.monotonic() >= child.due_at:
                child.start(self._relay)

    def _on_exit(self, child: Child) -> None:
        code, pause = child.plan_restart()
        if child.spec.restart:
            self.say(f"{child.spec.name} ended with code {code}; starting it again in {pause:g} s")
        else:
            self.fail(f"{child.spec.name} ended with code {code}, and the rest is of no use without it.")

    def _shut_down(self) -> None:
        for _, group in itertools.groupby(reversed(self.children), key=lambda child: child.spec.stage):
            stage = [child for child in group if child.running]
            for child in stage:
                child.terminate()
            deadline = time.monotonic() + max((child.spec.stop_seconds for child in stage), default=0)
            while any(child.running for child in stage) and time.monotonic() < deadline:
                if self._hurry.wait(0.02):
                    break
            for child in stage:
                if child.running:
                    self.say(f"{child.spec.name} did not end in time and was killed")
                child.kill()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping.is_set():
            self._hurry.set()
        self.stopping.set()


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
