"""The example of a preset: the planning that real signals go through, in words, while somebody types."""

from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db
from portal.models import AuditEntry, TradingPreset, User
from portal.web.preset_example import Words, example_of
from tests import world
from tests.visiting import Visitor, words
from tests.web.test_presets import FORM

_ACCOUNT = "With 1,000 USDT free and BTC/USDT at 50,000, this "


def shown(**values: Any) -> Words:
    found = example_of({"name": "x", **values})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("values", "headline"),
    [
        ({"sizing_mode": "percentage", "sizing_value": 20}, "would buy 0.004 BTC for 200 USDT."),
        ({"sizing_mode": "fixed_amount", "sizing_value": 150}, "would buy 0.003 BTC for 150 USDT."),
        ({"sizing_mode": "fixed", "sizing_value": "0.002"}, "would buy 0.002 BTC for 100 USDT."),
        ({"sizing_mode": "risk_percent", "sizing_value": "0.4"}, "would buy 0.004 BTC for 200 USDT."),
        (
            {"sizing_value": 20, "max_notional": 120},
            "would buy 0.0024 BTC for 120 USDT (cut to the largest order).",
        ),
        (
            {"sizing_value": 20, "order_type": "limit"},
            "would place a limit order at 50,000 to buy 0.004 BTC for 200 USDT.",
        ),
        (
            {"sizing_value": 50, "market_type": "swap", "leverage": 5},
            "would buy 0.01 BTC for 500 USDT, with 100 USDT of margin at 5×.",
        ),
    ],
)
def test_example_when_a_size_is_given_then_says_what_is_bought(values: dict[str, Any], headline: str) -> None:
    assert shown(**values).headline == _ACCOUNT + headline


def test_example_says_what_is_at_risk_and_where_it_ends() -> None:
    details = shown(sizing_value=20).details
    assert details[0] == "Stop at 49,000: about 4 USDT at risk, 0.4 % of the account."
    assert details[1] == "Targets: 51,000 for 50 % and 52,000 for 50 %."
    target = {"mode": "percent", "value": 3, "close_fraction": 1}
    more = {"break_even_at_r": 1, "trailing_stop_percent": 2}
    details = shown(
        sizing_value=20, stop_loss_mode="percent", stop_loss_value=1, take_profits=[target], **more
    ).details
    assert details[:4] == (
        "Stop at 49,500: about 2 USDT at risk, 0.2 % of the account.",
        "Target: 51,500 for 100 %.",
        "At 50,500 the stop moves to the entry.",
        "The stop follows the price at 2 %.",
    )
    assert "No stop" in shown(sizing_value=20, stop_loss_mode="none").details[0]
    waiting = shown(sizing_value=20, order_type="stop").headline
    assert waiting.startswith(f"{_ACCOUNT}would wait for 50,100 and then buy 0.00399 BTC")


def test_example_when_the_signal_would_be_denied_then_says_why() -> None:
    for values in (
        {"sizing_value": "0.1"}, {"sizing_mode": "fixed", "sizing_value": 1},
        {"sizing_value": 5, "min_notional": 100},
    ):  # fmt: skip
        found = shown(**values)
        assert found.tone == "warn"
        assert "would be denied" in found.headline
    # What is about other markets and hours says nothing here.
    assert "would buy" in shown(sizing_value=20, allowed_symbols=["ETH/USDT"]).headline


def test_form_when_checked_then_shows_the_example_and_stores_nothing(visitor: Visitor, alice: User) -> None:
    assert "this would buy 0.0002 BTC for 10 USDT" in visitor.see("/presets/new")
    checked = visitor.post("/presets/example", FORM | {"name": ""})
    assert checked.status_code == 200
    assert "A preset needs a name." in checked.text
    assert "0.005 BTC for 250 USDT, with 83.33 USDT of margin at 3×" in words(checked.text)
    wrong = visitor.post("/presets/example", FORM | {"name": "", "sizing_value": "much", "leverage": "900"})
    assert wrong.status_code == 200
    assert wrong.text.count("field-error") == 3
    assert 'value="much"' in wrong.text
    assert "No example" in wrong.text
    assert world.count(TradingPreset) == world.count(AuditEntry) == 0


def test_form_of_a_preset_when_checked_then_counts_what_it_does_not_show(
    visitor: Visitor, alice: User, bob: User
) -> None:
    mine = world.save(TradingPreset(name="Mine", owner_id=alice.id, break_even_at_r=2))
    path = f"/presets/{mine.id}/example"
    text = words(visitor.post(path, FORM | {"seen": "as before"}).text)
    assert "At 52,000 the stop moves to the entry." in text
    assert 'name="seen" value="as before"' in visitor.post(path, FORM | {"seen": "as before"}).text
    theirs = world.save(TradingPreset(name="Theirs", owner_id=bob.id))
    assert visitor.post(f"/presets/{theirs.id}/example", FORM).status_code == 404
    assert db.session.scalars(sa.select(TradingPreset.name).order_by(TradingPreset.id)).all() == [
        "Mine", "Theirs",
    ]  # fmt: skip
