"""A Redis of a test's own, which the test may kill, freeze and start again."""

import signal
import subprocess
import tempfile
from pathlib import Path

from portal.embedded.redis import answers, find_binary
from tests.helpers import eventually


class RedisServer:
    def __init__(self) -> None:
        # Not pytest's tmp_path: the name of a unix socket must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="jobs-")
        self.socket = Path(self._folder.name) / "redis.sock"
        self.url = f"unix://{self.socket}?db=0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": "0", "unixsocket": str(self.socket), "save": "", "appendonly": "yes"}
        options |= {"dir": self._folder.name, "loglevel": "warning"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([find_binary(), *words], stdout=subprocess.DEVNULL)
        eventually(lambda: answers(self.socket), what="Redis answers")

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def forget(self) -> None:
        """Kill it, and let it come back without anything it knew."""
        self.kill()
        for each in Path(self._folder.name).glob("appendonlydir/*"):
            each.unlink()
        self.start()

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._folder.cleanup()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
