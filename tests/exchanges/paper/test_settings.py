"""The paper settings of a connection: read strictly, refused with a sentence."""

from typing import Any

import pytest

from portal.exchanges.paper.settings import PaperSettings, read_paper_settings
from portal.trading.fields import FieldError
from portal.trading.types import PositionMode
from tests.exchanges.paper.markets import D


def test_settings_without_a_paper_name_are_the_defaults() -> None:
    read = read_paper_settings({"defaultType": "swap"})
    assert read == PaperSettings()
    assert read.opening("EUR") == {"EUR": D(10_000)}


def test_settings_of_every_kind_are_read() -> None:
    read = read_paper_settings(
        {
            "paper_slippage_bps": "7.5",
            "paper_latency_ms": 120,
            "paper_fill_fraction": "0.25",
            "paper_balance": {"USDT": "500", "BTC": 2},
            "paper_position_mode": "hedge",
        }
    )
    assert (read.slippage_bps, read.latency_ms, read.fill_fraction) == (D("7.5"), 120, D("0.25"))
    assert read.opening("EUR") == {"USDT": D(500), "BTC": D(2)}
    assert read.position_mode is PositionMode.HEDGE


def test_balance_that_is_a_number_is_of_the_main_currency() -> None:
    assert read_paper_settings({"paper_balance": "250"}).opening("USDC") == {"USDC": D(250)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paper_slippage_bps", -1),
        ("paper_slippage_bps", 1001),
        ("paper_slippage_bps", "cheap"),
        ("paper_latency_ms", 5001),
        ("paper_latency_ms", True),
        ("paper_fill_fraction", 0),
        ("paper_fill_fraction", "1.01"),
        ("paper_balance", 0),
        ("paper_balance", {}),
        ("paper_balance", {"": 5}),
        ("paper_balance", {"USDT": "-5"}),
        ("paper_balance", [1]),
        ("paper_position_mode", "both"),
        ("paper_balanse", 5),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(FieldError, match=name):
        read_paper_settings({name: value})
