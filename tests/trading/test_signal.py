"""Signals from outside: what is understood, and a reason per field for the rest."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.signal import SIGNAL_FIELDS, ParsedSignal, SignalError, SignalTerms, parse_signal
from portal.trading.types import MarketType, OrderType, Side, SignalAction, TimeInForce
from tests.trading.factories import NOW, D, bounded

LEAST = {"currency_pair": "BTC/USDT", "direction": "buy"}


def parse(**data: Any) -> ParsedSignal:
    return parse_signal(LEAST | data, now=NOW)


def errors(**data: Any) -> dict[str, str]:
    with pytest.raises(SignalError) as caught:
        parse(**data)
    return caught.value.errors


def test_pair_and_direction_are_enough() -> None:
    assert parse() == ParsedSignal(SignalTerms("BTC/USDT", Side.BUY))


def test_every_field_is_understood() -> None:
    parsed = parse(
        currency_pair="btc/usdt:usdt",
        direction="SELL",
        action="open",
        order_type="Limit",
        open_price=100,
        sl="110",
        tp=["90", D("80.5")],
        time_in_force="GTC",
        market_type="swap",
        expires_at="2026-03-04T14:00:00+01:00",
        plans=["Gold", 7],
        dedupe_key="alert-1",
        publish=True,
    )
    assert parsed == ParsedSignal(
        SignalTerms(
            currency_pair="BTC/USDT:USDT",
            direction=Side.SELL,
            action=SignalAction.OPEN,
            order_type=OrderType.LIMIT,
            open_price=D(100),
            sl=D(110),
            tps=(D(90), D("80.5")),
            time_in_force=TimeInForce.STANDARD,
            market_type=MarketType.SWAP,
            expires_at=datetime(2026, 3, 4, 13, 0, tzinfo=UTC),
        ),
        plans=("Gold", "7"),
        dedupe_key="alert-1",
        publish=True,
    )


def test_one_target_need_not_be_a_list_and_null_is_not_given() -> None:
    assert parse(tp="110", sl=None).terms.tps == (D(110),)


def test_all_errors_are_told_at_once() -> None:
    found = errors(
        currency_pair="BTCUSDT",
        direction="long",
        open_price="NaN",
        sl=-1,
        tp=["1", "x"],
        expires_at="soon",
        x=1,
    )
    assert set(found) == {"currency_pair", "direction", "open_price", "sl", "tp", "expires_at", "x"}
    assert all(reason.startswith(("was ", "is ", "had ")) for reason in found.values())


def test_an_unknown_field_is_an_error_that_lists_the_known_ones() -> None:
    assert all(name in errors(user_id=1)["user_id"] for name in SIGNAL_FIELDS)


def test_an_empty_signal_names_what_is_required() -> None:
    with pytest.raises(SignalError) as caught:
        parse_signal({}, now=NOW)
    assert caught.value.errors == {"currency_pair": "is required.", "direction": "is required."}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency_pair", 3),
        ("direction", 1),
        ("direction", "short"),
        ("action", "reverse"),
        ("order_type", "oco"),
        ("open_price", "0"),
        ("open_price", "1e15"),
        ("sl", "Infinity"),
        ("sl", True),
        ("tp", ["1", "2", "3", "4"]),
        ("tp", {"price": 1}),
        ("tp", "0.0000000000000000001"),
        ("time_in_force", "GTD"),
        ("market_type", "option"),
        ("expires_at", 1772625600),
        ("expires_at", "2026-03-04T13:00:00"),
        ("expires_at", "2026-03-04"),
        ("expires_at", "2026-13-04T13:00:00Z"),
        ("expires_at", "2026-03-04T13:00:00+99:00"),
        ("expires_at", "0001-01-01T00:00:00+14:00"),
        ("expires_at", "2026-03-04T12:00:00Z"),  # now is not the future
        ("expires_at", "2026-04-03T12:00:01Z"),  # more than 30 days
        ("plans", [["a"]]),
        ("plans", [""]),
        ("plans", ["a"] * 101),
        ("dedupe_key", "k" * 201),
        ("dedupe_key", "a\x00b"),
        ("dedupe_key", ""),
        ("dedupe_key", 5),
        ("publish", "true"),
        ("publish", 1),
    ],
)
def test_a_wrong_value_is_blamed_on_its_field(field: str, value: object) -> None:
    assert set(errors(**{field: value})) == {field}


@pytest.mark.parametrize(
    ("data", "blamed"),
    [
        ({"open_price": "100", "sl": "100"}, {"sl"}),
        ({"open_price": "100", "sl": "101", "tp": "99"}, {"sl", "tp"}),
        ({"open_price": "100", "sl": "90", "tp": ["110", "100"]}, {"tp"}),
        ({"sl": "100", "tp": "99"}, {"tp"}),
        ({"direction": "sell", "open_price": "100", "sl": "99"}, {"sl"}),
        ({"direction": "sell", "open_price": "100", "tp": "101"}, {"tp"}),
        ({"direction": "sell", "sl": "100", "tp": "101"}, {"tp"}),
        ({"order_type": "limit"}, {"open_price"}),
        ({"order_type": "stop"}, {"open_price"}),
        ({"order_type": "stop", "open_price": "1", "time_in_force": "IOC"}, {"time_in_force"}),
    ],
)
def test_prices_that_contradict_each_other_are_an_error(data: dict[str, Any], blamed: set[str]) -> None:
    assert set(errors(**data)) == blamed


def test_a_signal_may_live_for_exactly_thirty_days() -> None:
    assert parse(expires_at="2026-04-03T12:00:00Z").terms.expires_at == NOW + timedelta(days=30)


def test_the_same_content_written_differently_has_the_same_hash() -> None:
    one = parse(sl="99.0", tp="110", direction="BUY", expires_at="2026-03-04T13:00:00Z", dedupe_key="a")
    two = parse(sl=99, tp=["1.1e2"], expires_at="2026-03-04T14:00:00+01:00", dedupe_key="b")
    assert one.content_hash() == two.content_hash()


@pytest.mark.parametrize(
    "change",
    [
        {"currency_pair": "ETH/USDT"},
        {"direction": "sell"},
        {"action": "close"},
        {"order_type": "market"},
        {"open_price": "100"},
        {"sl": "1"},
        {"tp": "1"},
        {"tp": ["1", "2"]},
        {"time_in_force": "IOC"},
        {"market_type": "spot"},
        {"expires_at": "2026-03-04T13:00:00Z"},
        {"plans": ["a"]},
        {"publish": True},
    ],
)
def test_other_content_has_another_hash(change: dict[str, Any]) -> None:
    assert parse(**change).content_hash() != parse().content_hash()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@bounded
@given(st.dictionaries(st.sampled_from(SIGNAL_FIELDS) | st.text(max_size=5), JSON))
def test_no_json_object_raises_anything_but_a_signal_error(data: dict[str, object]) -> None:
    try:
        parsed = parse_signal(data, now=NOW)
    except SignalError as error:
        assert error.errors
    else:
        assert parsed.content_hash()
