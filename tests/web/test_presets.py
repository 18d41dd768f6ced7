"""A person's own presets on the portal pages."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import AuditEntry, TradingPreset, User
from portal.services import presets
from portal.trading.types import Visibility
from tests import world
from tests.visiting import Visitor

FORM = {
    "name": "Careful", "description": "", "market_type": "swap", "leverage": "3",
    "sizing_mode": "risk_percent", "sizing_value": "0.5", "max_notional": "",
    "stop_loss_mode": "percent", "stop_loss_value": "2",
    "take_profits": "percent 2 0.5\r\nr_multiple 2 0.5", "max_open_positions": "4",
    "max_positions_per_symbol": "", "max_daily_loss_percent": "5", "allowed_symbols": "BTC/USDT, ETH/USDT",
    "blocked_symbols": "",
}  # fmt: skip


def test_preset_when_made_and_changed_then_has_what_was_typed(visitor: Visitor, alice: User) -> None:
    assert visitor.post("/presets/new", FORM).headers["Location"] == "/presets"
    made = db.session.scalars(sa.select(TradingPreset)).one()
    assert (made.owner_id, made.visibility, made.sizing_value) == (
        alice.id,
        Visibility.PRIVATE,
        Decimal("0.5"),
    )
    assert made.allowed_symbols == ["BTC/USDT", "ETH/USDT"]
    assert [each["mode"] for each in made.take_profits] == ["percent", "r_multiple"]
    shown = visitor.get(f"/presets/{made.id}/edit").text
    assert "r_multiple 2 0.5" in shown
    assert 'value="BTC/USDT, ETH/USDT"' in shown
    changed = FORM | {"max_open_positions": "2", "leverage": ""}
    assert visitor.post(f"/presets/{made.id}/edit", changed).status_code == 302
    db.session.expire_all()
    assert (made.max_open_positions, made.leverage) == (2, None)
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert [each for each in actions if "preset" in each] == [
        "portal.preset.created",
        "portal.preset.changed",
    ]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", ""), ("sizing_value", "much"), ("sizing_value", "-1"), ("max_open_positions", "1.5"),
        ("take_profits", "up 3"), ("allowed_symbols", "BTC"), ("leverage", "900"), ("stop_loss_value", ""),
    ],
)  # fmt: skip
def test_preset_when_a_field_is_wrong_then_is_refused_there_and_keeps_the_input(
    visitor: Visitor, field: str, given: str
) -> None:
    answer = visitor.post("/presets/new", FORM | {field: given})
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert 'value="0.5"' in answer.text or field == "sizing_value"
    assert world.count(TradingPreset) == 0


def test_preset_when_its_name_is_taken_then_is_refused(visitor: Visitor) -> None:
    visitor.post("/presets/new", FORM)
    assert visitor.post("/presets/new", FORM).status_code == 422
    assert world.count(TradingPreset) == 1


def test_s14_preset_of_somebody_else_when_changed_or_deleted_then_is_not_found(
    visitor: Visitor, bob: User
) -> None:
    theirs = world.save(TradingPreset(name="Bold", owner_id=bob.id, visibility=Visibility.PUBLIC))
    common = world.save(TradingPreset(name="Common", owner_id=None))
    assert "Bold" in visitor.get("/presets").text
    for preset in (theirs, common):
        assert visitor.get(f"/presets/{preset.id}/edit").status_code == 404
        assert visitor.post(f"/presets/{preset.id}/edit", FORM).status_code == 404
        assert visitor.post(f"/presets/{preset.id}/delete").status_code == 404
    assert world.count(TradingPreset) == 2
    db.session.expire_all()
    assert theirs.name == "Bold"


def test_preset_when_a_connection_uses_it_then_is_not_deleted(visitor: Visitor, alice: User) -> None:
    preset = world.save(TradingPreset(name="Mine", owner_id=alice.id))
    connection = world.make_connection(alice, preset_id=preset.id)
    assert visitor.post(f"/presets/{preset.id}/delete").status_code == 409
    connection.preset_id = None
    db.session.commit()
    assert visitor.post(f"/presets/{preset.id}/delete").status_code == 302
    assert world.count(TradingPreset) == 0


def test_preset_when_changed_here_then_keeps_what_this_form_does_not_show(
    visitor: Visitor, alice: User
) -> None:
    preset = world.save(TradingPreset(name="Mine", owner_id=alice.id, max_signal_age_seconds=7))
    assert visitor.post(f"/presets/{preset.id}/edit", FORM).status_code == 302
    db.session.expire_all()
    assert (preset.name, preset.max_signal_age_seconds) == ("Careful", 7)


def test_preset_when_somebody_changed_it_meanwhile_then_nothing_is_overwritten(
    visitor: Visitor, alice: User
) -> None:
    preset = world.save(TradingPreset(name="Mine", owner_id=alice.id))
    path = f"/presets/{preset.id}/edit"
    seen = visitor.get(path).text.partition('name="seen" value="')[2].partition('"')[0]
    assert visitor.post(path, FORM).status_code == 302
    assert visitor.post(path, FORM | {"name": "Late", "seen": seen}).status_code == 422
    db.session.expire_all()
    assert preset.name == "Careful"


def test_presets_when_there_are_too_many_then_no_more_are_made(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "MAX_PRESETS", 1)
    visitor.post("/presets/new", FORM)
    assert visitor.post("/presets/new", FORM | {"name": "Second"}).status_code == 409
    assert world.count(TradingPreset) == 1
