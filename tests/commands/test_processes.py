"""The long-running commands as processes of their own: they start, answer, and end on SIGTERM."""

import http.client
import signal
import socket
import subprocess
from collections.abc import Callable

import pytest
from flask import Flask
from redis import Redis

from portal.config import Settings
from portal.embedded import ports
from tests.helpers import eventually

Process = Callable[..., "subprocess.Popen[str]"]


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def ended(process: "subprocess.Popen[str]") -> int:
    """Ask it to end, and the exit code; what it printed is read so that its pipes are closed."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    return process.returncode


def test_the_web_server_answers_and_ends(app: Flask, process: Process) -> None:
    port = ports.pick(0)
    web = process("web", "--port", str(port))
    try:
        eventually(lambda: status(port, "/healthz") == 200, timeout=40, what="/healthz answers")
        assert status(port, "/readyz") == 200
    finally:
        assert ended(web) == 0
    assert ports.is_free(port)


def test_a_taken_port_is_one_sentence(app: Flask, process: Process) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = process("web", "--port", str(taken.getsockname()[1]))
        stdout, stderr = web.communicate(timeout=30)

    assert (web.returncode, stdout) == (1, "")
    assert "is in use" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("command", [("worker", "--concurrency", "2"), ("scheduler",)])
def test_worker_and_scheduler_start_and_end(
    app: Flask, process: Process, settings: Settings, command: tuple[str, ...]
) -> None:
    started = process(*command)
    try:
        with Redis.from_url(str(settings.redis_url)) as client:
            eventually(lambda: client.dbsize() > 0, timeout=40, what="it shows itself in Redis")
    finally:
        assert ended(started) == 0


def test_the_practice_exchange_needs_no_database(process: Process) -> None:
    port = ports.pick(0)
    sandbox = process("sandbox", "--port", str(port), DATABASE_URL="", REDIS_URL="", PORTAL_SECRET_KEY="")
    try:
        eventually(
            lambda: status(port, "/api/v3/time") == 200, timeout=20, what="the practice exchange answers"
        )
    finally:
        assert ended(sandbox) == 0
