"""Portal processes that are forked instead of started: the client side of `bench.zygote`."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench.children import ROOT, until
from bench.crash_points import Strike
from portal.embedded.children import spawn


class Forked:
    """One portal process. As `bench.children.Child`, but a child of the zygote."""

    def __init__(self, nursery: "Nursery", pid: int, arguments: tuple[str, ...], log: Path) -> None:
        self.pid, self.arguments, self._nursery, self._log = pid, arguments, nursery, log

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._nursery.ended.get(self.pid)

    @property
    def running(self) -> bool:
        return self.code is None

    @property
    def stopped(self) -> bool:
        """Frozen by SIGSTOP."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it is gone, and nobody has said so yet
            if self.running:
                os.kill(self.pid, number)

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code. Raises TimeoutError."""
        until(f"The end of {self.arguments[0]} {self.pid}", lambda: not self.running, seconds, 0.005)
        return self._nursery.ended[self.pid]

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM, as a deploy does; kill -9 when that takes too long. Returns the exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except TimeoutError:
            self.kill()
            return -signal.SIGKILL

    @property
    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


class Nursery:
    """A zygote with the environment of one floor, and all that it has forked."""

    def __init__(self, env: Mapping[str, str], data_dir: Path) -> None:
        self._data_dir = data_dir
        self.witness = data_dir / "strikes.jsonl"
        self.witness.touch()
        self.ended: dict[int, int] = {}
        self._started: list[int] = []
        self._ready = threading.Event()
        self._news = threading.Condition()
        self._link, theirs = socket.socketpair()
        argv = (sys.executable, "-m", "bench.zygote", str(theirs.fileno()))
        with (data_dir / "zygote.log").open("ab") as output, theirs:
            self._zygote = spawn(argv, env, ROOT, signal.SIGKILL, stdout=output, pass_fds=(theirs.fileno(),))
        threading.Thread(target=self._listen, name="nursery", daemon=True).start()

    def fork(self, *arguments: str, strike: Strike | None = None, **env: str) -> Forked:
        """Start `portal …`, or a process of the bench's own, to be struck or not."""
        self._ready.wait(60)
        log = self._data_dir / f"{arguments[0]}.log"
        request = {
            "arguments": arguments,
            "env": env,
            "log": str(log),
            "strike": strike.to_json() if strike else None,
            "witness": str(self.witness),
        }
        with self._news:
            count = len(self._started)
            self._link.sendall(json.dumps(request).encode() + b"\n")
            if not self._news.wait_for(lambda: len(self._started) > count, 30):
                raise TimeoutError("the zygote did not fork")
            return Forked(self, self._started[-1], arguments, log)

    def strikes(self) -> list[dict[str, object]]:
        """Every blow so far, as the struck wrote them down."""
        return [json.loads(line) for line in self.witness.read_text().splitlines()]

    def blow(self, pid: int) -> dict[str, object] | None:
        """The blow that this process was dealt at a point, if it was."""
        return next((each for each in self.strikes() if each["pid"] == pid), None)

    def close(self) -> None:
        """End the zygote, and with it whatever it has forked."""
        self._link.shutdown(socket.SHUT_RDWR)
        self._zygote.kill()
        self._zygote.wait()
        self._link.close()

    def _listen(self) -> None:
        with self._link.makefile("r") as words:
            for line in words:
                news = json.loads(line)
                with self._news:
                    if "ended" in news:
                        self.ended[news["ended"]] = news["code"]
                    elif "started" in news:
                        self._started.append(news["started"])
                    else:
                        self._ready.set()
                    self._news.notify_all()
