"""The judge of a chaos run can fail: worlds in which a holding has no stop at the exchange and no alarm."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bench.chaos_stops import bare, silent
from portal.exchanges.sandbox.client import AcceptedOrder

#: Bought, less its fee: 0.0166 can be sold, the rest is dust.
COIN = {"name": "a", "balances": {"USDT": {"free": "9000"}, "BTC": {"free": "0.0000", "locked": "0.016643"}}}
SPOT: dict[str, Any] = COIN | {"positions": []}
SWAP = {"name": "a", "balances": {}, "positions": [{"symbol": "BTCUSDT", "quantity": "-0.016"}]}
WHAT = {"spot": ("a", "spot BTC"), "perp": ("a", "swap BTC")}


def order(market: str, **changes: Any) -> AcceptedOrder:
    given: dict[str, Any] = {
        "order_id": 1, "account": "a", "symbol": "BTCUSDT", "market": market, "client_order_id": "x",
        "side": "SELL" if market == "spot" else "BUY", "status": "NEW", "quantity": Decimal("0.01664"),
        "order_type": "STOP_LOSS" if market == "spot" else "STOP_MARKET", "filled_quantity": Decimal(0),
        "price": Decimal(0), "trigger_price": Decimal(50000), "reduce_only": market == "perp",
        "position_side": "BOTH", "is_algo": False, "actual_order_id": 0, "origin": "api",
        "accepted_ns": 0, "accepted_monotonic_ns": 0,
    }  # fmt: skip
    return AcceptedOrder(**(given | changes))


def entry(market: str) -> AcceptedOrder:
    amount = Decimal("0.01666")
    changes = {"order_type": "MARKET", "status": "FILLED", "trigger_price": Decimal(0)}
    side = "BUY" if market == "spot" else "SELL"
    return order(market, side=side, quantity=amount, filled_quantity=amount, reduce_only=False, **changes)


def world(market: str) -> Mapping[str, Any]:
    return SPOT if market == "spot" else SWAP


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_judge_when_the_stop_works_at_the_exchange_then_nothing_is_bare(market: str) -> None:
    assert bare([world(market)], [entry(market), order(market)]) == {}


@pytest.mark.parametrize("market", ["spot", "perp"])
@pytest.mark.parametrize(
    "broken",
    [
        None,
        {"status": "CANCELED"},
        {"account": "b"},
        {"symbol": "ETHUSDT"},
        {"side": "the same"},
        {"quantity": Decimal("0.008")},
        {"filled_quantity": Decimal("0.008")},
        {"order_type": "TAKE_PROFIT_MARKET"},
        {"trigger_price": Decimal(0), "order_type": "LIMIT"},
        {"market": "the other"},
    ],
    ids=str,
)
def test_judge_when_a_holding_has_no_working_stop_and_no_alarm_then_it_says_so(
    market: str, broken: dict[str, Any] | None
) -> None:
    stops = []
    if broken is not None:
        turned = {"the same": entry(market).side, "the other": "perp" if market == "spot" else "spot"}
        changes: dict[str, Any] = {name: turned.get(value, value) for name, value in broken.items()}
        stops = [replace(order(market), **changes)]
    found = bare([world(market)], [entry(market), *stops])
    assert list(found) == [WHAT[market]]
    [sentence] = silent(found, {})
    assert "without a stop at the exchange" in sentence


def test_judge_when_a_stop_of_a_swap_could_open_something_then_it_is_no_protection() -> None:
    assert bare([SWAP], [entry("perp"), order("perp", reduce_only=False)]) == {WHAT["perp"]: Decimal("0.016")}


def test_judge_when_an_alarm_speaks_of_all_then_is_content_and_of_a_part_then_is_not() -> None:
    found = bare([SPOT], [entry("spot")])
    held = Decimal("0.016643")
    assert silent(found, {WHAT["spot"]: held}) == []
    assert silent(found, {WHAT["spot"]: held / 2})
    assert silent(found, {("b", "spot BTC"): held}), "the alarm of another account"
