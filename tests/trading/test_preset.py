"""Preset rules from JSON: defaults, round trips, and all errors at once."""

import json
from typing import Any

import pytest

from portal.trading.preset import PresetError, PresetRules, parse_preset
from portal.trading.types import MarketType, OrderType, SizingMode, StopLossMode, TakeProfitMode, TimeInForce
from tests.trading.factories import D, rules

#: Instead of the percentages of a trailing stop.
DISTANCES = {"trailing_stop_distance": "150.5", "trailing_activation_distance": "20"}
EVERYTHING: dict[str, Any] = {
    "name": "Swing",
    "description": "two targets\nand a runner",
    "order_type": "limit",
    "time_in_force": "IOC",
    "market_type": "swap",
    "leverage": "5",
    "margin_mode": "isolated",
    "max_slippage_bps": "25",
    "max_signal_age_seconds": 30,
    "sizing_mode": "risk_percent",
    "sizing_value": "0.5",
    "min_notional": "10",
    "max_notional": "10000.5",
    "stop_loss_mode": "percent",
    "stop_loss_value": "2",
    "take_profits": [
        {"mode": "r_multiple", "value": "1.5", "close_fraction": "0.5"},
        {"mode": "percent", "value": "4", "close_fraction": "0.25"},
        {"mode": "signal", "close_fraction": "0.25"},
    ],
    "break_even_at_r": "1",
    "trailing_stop_percent": "1.5",
    "trailing_activation_percent": "3",
    "max_open_positions": 5,
    "max_positions_per_symbol": 1,
    "max_daily_loss_percent": "3",
    "allowed_symbols": ["BTC/USDT", "ETH/USDT:USDT"],
    "blocked_symbols": ["DOGE/USDT"],
    "trading_hours": {"days": ["mon", "fri"], "start": "08:00", "end": "22:00", "timezone": "Europe/Berlin"},
    "when_unprotected": "close",
}


def errors(**data: Any) -> dict[str, str]:
    with pytest.raises(PresetError) as caught:
        parse_preset({"name": "x"} | data)
    return caught.value.errors


def test_the_built_in_defaults_are_the_documented_ones() -> None:
    built_in = PresetRules.default()
    assert built_in.order_type is OrderType.MARKET
    assert built_in.market_type is MarketType.SPOT
    assert (built_in.sizing_mode, built_in.sizing_value) == (SizingMode.PERCENTAGE, 1)
    assert (built_in.stop_loss_mode, built_in.take_profits) == (StopLossMode.SIGNAL, ())
    assert (built_in.max_slippage_bps, built_in.max_signal_age_seconds) == (100, 60)


def test_a_name_alone_gives_the_defaults() -> None:
    assert rules().to_dict() == PresetRules.default().to_dict() | {"name": "test"}


def test_every_field_survives_the_way_to_json_and_back() -> None:
    made = parse_preset(EVERYTHING)
    assert json.loads(json.dumps(made.to_dict())) == EVERYTHING | dict.fromkeys(DISTANCES)
    assert parse_preset(made.to_dict()) == made
    assert set(PresetRules.field_names()) == set(EVERYTHING) | set(DISTANCES)


def test_distances_of_a_trailing_stop_survive_the_way_to_json_and_back() -> None:
    given = {
        name: value for name, value in EVERYTHING.items() if not name.startswith("trailing_")
    } | DISTANCES
    made = parse_preset(given)
    assert parse_preset(made.to_dict()) == made
    assert {name: made.to_dict()[name] for name in DISTANCES} == DISTANCES


def test_null_means_not_given() -> None:
    assert parse_preset(dict.fromkeys(EVERYTHING) | {"name": "test"}) == rules()


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    reason = errors(sizing_moed="fixed")["sizing_moed"]
    assert all(name in reason for name in EVERYTHING)


def test_all_errors_are_told_at_once() -> None:
    found = errors(
        name=None, order_type="iceberg", leverage="0.5", max_notional="NaN", sizing_value=True, colour="red"
    )
    assert set(found) == {"name", "order_type", "leverage", "max_notional", "sizing_value", "colour"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\nb"),
        ("name", "x" * 101),
        ("name", 3),
        ("order_type", 1),
        ("time_in_force", "GTD"),
        ("market_type", "future"),
        ("leverage", "201"),
        ("margin_mode", "portfolio"),
        ("max_slippage_bps", "-1"),
        ("max_slippage_bps", "10001"),
        ("max_signal_age_seconds", "1.5"),
        ("max_signal_age_seconds", 0),
        ("sizing_mode", "martingale"),
        ("sizing_value", "0"),
        ("sizing_value", "-1"),
        ("sizing_value", "Infinity"),
        ("sizing_value", "100.1"),
        ("sizing_value", "1e30"),
        ("min_notional", "0"),
        ("stop_loss_mode", "atr"),
        ("take_profits", {"mode": "signal"}),
        ("take_profits", ["signal"]),
        ("take_profits", [{"mode": "percent", "close_fraction": "1"}]),
        ("take_profits", [{"mode": "percent", "value": "0", "close_fraction": "1"}]),
        ("take_profits", [{"mode": "signal", "value": "1"}]),
        ("take_profits", [{"mode": "signal", "close_fraction": "1.1"}]),
        ("take_profits", [{"mode": "signal", "close_fraction": "0"}]),
        ("take_profits", [{"mode": "signal", "close_fraction": "0.6"}] * 2),
        ("take_profits", [{"mode": "signal", "close_fraction": "0.1"}] * 4),
        ("take_profits", [{"mode": "signal"}] * 2),
        ("take_profits", [{"mode": "signal", "size": "1"}]),
        ("take_profits", [{}]),
        ("break_even_at_r", "0"),
        ("trailing_stop_percent", "100"),
        ("max_open_positions", 0),
        ("max_positions_per_symbol", -1),
        ("max_daily_loss_percent", "101"),
        ("allowed_symbols", ["BTCUSDT"]),
        ("allowed_symbols", [3]),
        ("blocked_symbols", ["BTC/USDT"] * 501),
        ("trading_hours", "always"),
        ("when_unprotected", "pray"),
    ],
)
def test_a_wrong_value_is_blamed_on_its_field(field: str, value: object) -> None:
    assert set(errors(**{field: value})) == {field}


@pytest.mark.parametrize(
    ("data", "blamed"),
    [
        ({"sizing_mode": "fixed"}, "sizing_value"),
        ({"sizing_mode": "risk_percent", "sizing_value": "101"}, "sizing_value"),
        ({"sizing_mode": "risk_percent", "sizing_value": "1", "stop_loss_mode": "none"}, "sizing_mode"),
        ({"min_notional": "10", "max_notional": "9.99"}, "max_notional"),
        ({"leverage": "2"}, "leverage"),
        ({"margin_mode": "cross"}, "margin_mode"),
        ({"stop_loss_mode": "percent"}, "stop_loss_value"),
        ({"stop_loss_value": "2"}, "stop_loss_value"),
        ({"stop_loss_mode": "none", "take_profits": [{"mode": "r_multiple", "value": "2"}]}, "take_profits"),
        ({"stop_loss_mode": "none", "break_even_at_r": "1"}, "break_even_at_r"),
        ({"trailing_activation_percent": "1"}, "trailing_activation_percent"),
        ({"trailing_activation_distance": "1"}, "trailing_activation_distance"),
        ({"trailing_stop_percent": "1", "trailing_stop_distance": "1"}, "trailing_stop_distance"),
        (
            {
                "trailing_stop_distance": "1",
                "trailing_activation_percent": "1",
                "trailing_activation_distance": "1",
            },
            "trailing_activation_distance",
        ),
        ({"allowed_symbols": ["BTC/USDT"], "blocked_symbols": ["btc/usdt"]}, "blocked_symbols"),
        ({"order_type": "stop", "time_in_force": "FOK"}, "time_in_force"),
    ],
)
def test_fields_that_contradict_each_other_are_an_error(data: dict[str, Any], blamed: str) -> None:
    assert set(errors(**data)) == {blamed}


def test_a_percentage_of_exactly_one_hundred_is_allowed() -> None:
    assert rules(sizing_value="100").sizing_value == 100


def test_a_fixed_size_may_be_more_than_one_hundred() -> None:
    assert rules(sizing_mode="fixed_amount", sizing_value=2500).sizing_value == 2500


def test_a_single_target_closes_everything_unless_told_otherwise() -> None:
    (target,) = rules(take_profits=[{"mode": "percent", "value": "3"}]).take_profits
    assert (target.mode, target.value, target.close_fraction) == (TakeProfitMode.PERCENT, D(3), D(1))


def test_gtc_is_the_standard_time_in_force() -> None:
    assert rules(time_in_force="GTC").time_in_force is TimeInForce.STANDARD
