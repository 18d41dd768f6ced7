"""`portal up` as an operator meets it, in a process of its own, with stand-ins for the children."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import ports
from tests.embedded.processes import alive, kill, nothing_left
from tests.helpers import eventually

STANDIN = Path(__file__).with_name("standin.py")
RUN_UP = """
import json, sys
from portal.commands.up import run_up
port, demo, workers, standin = json.loads(sys.argv[1])
sys.exit(run_up(port, demo, workers, portal=(sys.executable, standin)))
"""


class Up:
    """One `portal up` and what can be seen of it from outside."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.journal = data_dir.parent / "journal"
        self.output = data_dir.parent / "output"
        self.port = ports.pick(0)
        clean = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PORTAL_", "REDIS_", "DATABASE_"))
        }
        self._env = clean | {"PORTAL_DATA_DIR": str(data_dir), "STANDIN_JOURNAL": str(self.journal)} | env
        self._due = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, demo: bool = False, workers: int = 1) -> "Up":
        self._due = len(self.lines("started")) + 3 + workers
        arguments = f'[{self.port}, {str(demo).lower()}, {workers}, "{STANDIN}"]'
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN_UP, arguments], env=self._env, stdout=output, stderr=output
            )
        return self

    @property
    def text(self) -> str:
        return " ".join(self.output.read_text().split())

    def lines(self, what: str = "") -> list[str]:
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        return [line for line in lines if what in line]

    def pid_of(self, name: str, *, index: int = -1) -> int:
        return int(eventually(lambda: self.lines(f"started {name}"))[index].split()[-1])

    def wait_ready(self) -> "Up":
        eventually(lambda: "Portico is ready" in self.text or not self.running, timeout=20)
        assert self.running, self.text
        eventually(lambda: len(self.lines("started")) >= self._due, what="every process has started")
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        if self.running:
            self.process.send_signal(number)
        return self.process.wait(timeout=20)


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    up = Up(data_dir)
    yield up
    if up.process is not None:
        up.end()


def test_up_when_interrupted_stops_everything_in_order_and_keeps_no_process_and_no_lock(up: Up) -> None:
    up.start(workers=2).wait_ready()
    assert up.end(signal.SIGINT) == 0
    stopped = [line.split()[1] for line in up.lines("stopped")]
    assert stopped == ["scheduler", "web", "worker", "worker", "sandbox"]
    assert all("SIGTERM" in line for line in up.lines("stopped"))
    nothing_left(up.data_dir)
    assert not (up.data_dir / "postgres" / "postmaster.pid").exists()
    up.start().wait_ready()
    assert up.end(signal.SIGTERM) == 0
    nothing_left(up.data_dir)


def test_up_with_demo_shows_the_seed_story_after_web_answers_and_migrates_first(up: Up) -> None:
    up.start(demo=True).wait_ready()
    eventually(lambda: "hunter2-only-once" in up.text)
    assert f"http://127.0.0.1:{up.port}" in up.text
    assert up.lines()[0].startswith("migrated")
    assert len(up.lines("seeded")) == 1


def test_f22_up_when_a_child_is_killed_starts_it_again_within_five_seconds(up: Up) -> None:
    up.start().wait_ready()
    for name in ("scheduler", "worker"):
        killed = up.pid_of(name)
        kill(killed)
        eventually(lambda name=name: len(up.lines(f"started {name}")) == 2, timeout=5)
        assert alive(up.pid_of(name))
        assert not alive(killed)
    assert len(up.lines("started web")) == 1


def test_up_when_killed_takes_its_children_along_and_the_next_start_works_at_once(up: Up) -> None:
    up.start().wait_ready()
    children = [up.pid_of(name) for name in ("sandbox", "worker", "web", "scheduler")]
    assert up.process is not None
    kill(up.process.pid)
    up.process.wait()
    up.start().wait_ready()
    assert [pid for pid in children if alive(pid)] == []
    up.end()
    nothing_left(up.data_dir)


def test_second_up_on_the_same_data_dir_is_refused_with_a_sentence_and_the_first_goes_on(up: Up) -> None:
    up.start().wait_ready()
    assert up.process is not None
    second = Up(up.data_dir)
    second.output = second.output.with_name("second")
    second.start()
    assert second.process is not None
    assert second.process.wait(timeout=30) == 1
    assert f"already running on {up.data_dir} (process {up.process.pid})" in second.text
    assert up.running
    assert len(up.lines("started")) == 4


def test_up_on_a_port_in_use_says_so_and_starts_nothing(up: Up) -> None:
    with socket.create_server(("127.0.0.1", up.port)):
        up.start()
        assert up.process is not None
        assert up.process.wait(timeout=30) == 1
    assert f"Port {up.port} is in use" in up.text
    assert "nothing was started" in up.text
    assert up.lines() == []
    assert not (up.data_dir / "postgres").exists()


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("db", "schema could not be brought up to date: db cannot do that"),
        ("seed-demo", "demo could not be set up"),
    ],
)
def test_up_when_a_first_step_fails_says_why_and_leaves_nothing_running(
    data_dir: Path, failing: str, sentence: str
) -> None:
    up = Up(data_dir, STANDIN_FAILS=failing).start(demo=True)
    assert up.process is not None
    assert up.process.wait(timeout=60) == 1
    assert sentence in up.text
    nothing_left(up.data_dir)


def test_up_gives_children_the_embedded_addresses_and_secrets_by_file_only(up: Up) -> None:
    up.start().wait_ready()
    environ = dict(
        item.split("=", 1)
        for item in Path(f"/proc/{up.pid_of('worker')}/environ").read_text().split("\0")
        if "=" in item
    )
    assert environ["DATABASE_URL"].startswith("postgresql+psycopg://")
    assert environ["REDIS_URL"].startswith("unix://")
    assert '"sandbox": "http://127.0.0.1:' in environ["PORTAL_EXCHANGE_URLS"]
    for name in ("PORTAL_SECRET_KEY", "PORTAL_CREDENTIAL_KEYS"):
        assert name not in environ
        secret = Path(environ[f"{name}_FILE"])
        assert secret.stat().st_mode & 0o777 == 0o600
        assert secret.read_text().strip() not in "".join(environ.values())
