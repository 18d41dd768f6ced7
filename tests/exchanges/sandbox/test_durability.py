"""What survives a restart and a kill -9 of the process, and how the process starts and stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ccxt
import pytest

from portal.exchanges.sandbox.client import SandboxAccount, SandboxControl
from portal.exchanges.sandbox.server import SandboxServer

from .conftest import on_sandbox

BTC = "BTC/USDT"
PERP = "BTC/USDT:USDT"
PROGRAM = (
    "import logging, sys; from pathlib import Path; from portal.exchanges.sandbox.server import run;"
    "logging.basicConfig(level=logging.INFO, stream=sys.stdout, format='%(message)s');"
    "sys.exit(run(int(sys.argv[1]), data_dir=Path(sys.argv[2]) if len(sys.argv) > 2 else None, walk=0))"
)


@contextmanager
def ccxt_client(kind: str, account: SandboxAccount, url: str) -> Iterator[Any]:
    exchange = getattr(ccxt, kind)({**account.credentials, "enableRateLimit": False})
    exchange.urls["api"] = on_sandbox(exchange.urls["api"], url)
    yield exchange
    exchange.session.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def ready_line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def trade(url: str, account: SandboxAccount) -> None:
    with ccxt_client("binance", account, url) as spot, ccxt_client("binanceusdm", account, url) as perp:
        spot.create_order(BTC, "market", "buy", 0.01, params={"clientOrderId": "filled"})
        spot.create_order(BTC, "limit", "buy", 0.01, 50000, {"clientOrderId": "resting"})
        perp.set_leverage(10, PERP)
        perp.create_order(PERP, "market", "buy", 0.05)
        params = {"stopLossPrice": 57000, "clientOrderId": "stop"}
        perp.create_order(PERP, "market", "sell", 0.05, params=params)


def test_exchange_when_restarted_then_books_orders_and_stops_are_as_before(tmp_path: Path) -> None:
    with SandboxServer(seed=1, data_dir=tmp_path) as first:
        account = first.control.create_account("alice")
        trade(first.url, account)
        before = (first.control.accounts(), first.control.orders(origin="any"), first.control.fills())
    with SandboxServer(seed=1, data_dir=tmp_path) as second:
        control = second.control
        assert (control.accounts(), control.orders(origin="any"), control.fills()) == before
        assert control.counts() == {"alice": 4}
        with (
            ccxt_client("binance", account, second.url) as spot,
            ccxt_client("binanceusdm", account, second.url) as perp,
        ):
            with pytest.raises(ccxt.BaseError, match="Duplicate order sent"):
                spot.create_order(BTC, "limit", "buy", 0.01, 50000, {"clientOrderId": "resting"})
            control.set_price("BTCUSDT", "49000")
            assert spot.fetch_order(None, BTC, {"clientOrderId": "resting"})["status"] == "closed"
            assert perp.fetch_positions([PERP]) == []
            new = spot.create_order(BTC, "market", "buy", 0.01)
            assert int(new["id"]) > max(order.order_id for order in before[1])


def test_process_when_killed_then_every_answered_order_is_kept(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with process(str(port), str(tmp_path)) as running:
        assert ready_line(running) == f"Practice exchange ready at {url}"
        account = SandboxControl(url).create_account("alice")
        trade(url, account)
        before = SandboxControl(url).accounts()
        os.kill(running.pid, signal.SIGKILL)
        running.wait(5)
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"account": {"account_id": "torn')
    with process(str(port), str(tmp_path)) as running:
        assert url in ready_line(running)
        assert SandboxControl(url).accounts() == before
        assert SandboxControl(url).counts() == {"alice": 4}
        running.send_signal(signal.SIGTERM)
        assert running.wait(5) == 0


def test_journal_when_begun_anew_then_is_small_and_private(tmp_path: Path) -> None:
    with SandboxServer(seed=1, data_dir=tmp_path) as server:
        server.control.create_account("alice")
        for price in range(50):
            server.control.set_price("SOLUSDT", 100 + price)
    with SandboxServer(seed=1, data_dir=tmp_path) as server:
        assert server.control.prices()["SOLUSDT"] == 149
        lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert [sorted(json.loads(line)) for line in lines] == [["prices"], ["account", "fills", "orders"]]
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o077 == 0


def test_reset_when_asked_then_the_journal_forgets_too(tmp_path: Path) -> None:
    with SandboxServer(seed=1, data_dir=tmp_path) as server:
        server.control.create_account("alice")
        server.control.reset()
    with SandboxServer(seed=1, data_dir=tmp_path) as server:
        assert server.control.accounts() == []


def test_process_when_its_port_is_taken_then_says_so_and_exits_with_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with process(str(other.getsockname()[1])) as running:
            said = ready_line(running)
            assert running.wait(5) == 1
    assert "could not listen" in said
    assert "choose another port" in said


def test_process_when_another_keeps_its_books_there_then_touches_nothing(tmp_path: Path) -> None:
    with SandboxServer(seed=1, data_dir=tmp_path) as server:
        server.control.create_account("alice")
        before = (tmp_path / "journal.jsonl").read_bytes()
        with process(str(free_port()), str(tmp_path)) as running:
            assert "Another practice exchange keeps its books" in ready_line(running)
            assert running.wait(5) == 1
        assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_server_in_a_thread_when_its_port_is_taken_then_raises(sandbox: SandboxServer) -> None:
    with pytest.raises(OSError, match="address already in use"):
        SandboxServer(port=sandbox.port).start()


def test_server_when_stopped_with_held_connections_then_stops_soon() -> None:
    server = SandboxServer(seed=1).start()
    account = server.control.create_account("alice")
    server.control.add_fault("accept_no_answer", seconds=60)
    with ccxt_client("binance", account, server.url) as spot:
        spot.timeout = 200
        with pytest.raises(ccxt.RequestTimeout):
            spot.create_order(BTC, "market", "buy", 0.01)
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 5
