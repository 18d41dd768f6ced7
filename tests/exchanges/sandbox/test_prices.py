"""How prices move: set, path, replay, random walk."""

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from portal.exchanges.sandbox.client import SandboxControl, SandboxControlError
from portal.exchanges.sandbox.motion import read_recording


def wait_until(condition: Callable[[], bool], seconds: float = 3.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_path_when_followed_then_ends_at_its_last_price(control: SandboxControl) -> None:
    control.set_path("SOLUSDT", [(0, "151"), (0.05, "149"), (0.1, "155")])
    wait_until(lambda: control.prices()["SOLUSDT"] == 155)


def test_path_when_a_price_is_set_meanwhile_then_is_left(control: SandboxControl) -> None:
    control.set_path("SOLUSDT", [(0.1, "151")])
    control.set_price("SOLUSDT", "140")
    control.set_path("XRPUSDT", [(0.15, "0.7")])
    wait_until(lambda: control.prices()["XRPUSDT"] == Decimal("0.7"))
    assert control.prices()["SOLUSDT"] == 140


def test_replay_when_sped_up_then_sets_the_recorded_prices(control: SandboxControl, tmp_path: Path) -> None:
    recording = tmp_path / "sol.csv"
    recording.write_text("time,price\n2026-01-01T00:00:00Z,140.5\n2026-01-01T00:00:10Z,141.25\n")
    control.replay("SOL/USDT", recording, speed=200)
    wait_until(lambda: control.prices()["SOLUSDT"] == Decimal("141.25"))


def test_recording_when_times_are_milliseconds_then_are_read_as_such() -> None:
    steps = read_recording("1700000000000,1.5\n1700000002000,1.6\n", speed=2)
    assert steps == [(0.0, Decimal("1.5")), (1.0, Decimal("1.6"))]


@pytest.mark.parametrize("text", ["", "time,price\n", "1,abc\n", "yesterday,1\n", "1\n"])
def test_recording_when_malformed_then_is_refused(control: SandboxControl, tmp_path: Path, text: str) -> None:
    recording = tmp_path / "bad.csv"
    recording.write_text(text)
    with pytest.raises(SandboxControlError):
        control.replay("SOLUSDT", recording)
    assert control.prices()["SOLUSDT"] == 150


def test_walk_when_on_then_moves_prices_on_the_tick_and_stops(control: SandboxControl) -> None:
    control.set_price("BTCUSDT", "60000", hold=True)
    control.set_walk(0.01, volatility_bps=50)
    wait_until(lambda: control.prices()["SOLUSDT"] != 150)
    control.set_walk(0)
    stopped = control.prices()
    assert stopped["BTCUSDT"] == 60000
    assert stopped["SOLUSDT"] % Decimal("0.01") == 0
    time.sleep(0.05)
    assert control.prices() == stopped


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "abc"])
def test_price_when_it_is_no_price_then_is_refused(control: SandboxControl, price: str) -> None:
    with pytest.raises(SandboxControlError):
        control.set_price("BTCUSDT", price)
    with pytest.raises(SandboxControlError):
        control.set_path("BTCUSDT", [(0, price)])
    with pytest.raises(SandboxControlError, match="no symbol"):
        control.set_price("NOPEUSDT", "1")
    assert control.prices()["BTCUSDT"] == 60000
