"""The example beside the panel's form of a preset."""

from portal.models import AuditEntry, TradingPreset
from tests import world
from tests.visiting import Visitor

FORM = {
    "name": "Careful", "visibility": "private", "order_type": "market", "time_in_force": "standard",
    "market_type": "spot", "sizing_mode": "percentage", "sizing_value": "20", "max_slippage_bps": "100",
    "max_signal_age_seconds": "60", "stop_loss_mode": "signal", "when_unprotected": "alert",
}  # fmt: skip


def test_new_preset_when_checked_then_shows_the_example_and_stores_nothing(visitor: Visitor) -> None:
    assert "would buy 0.0002 BTC for 10 USDT" in visitor.get("/admin/presets/new/").text
    answer = visitor.post("/admin/presets/example", FORM)
    assert answer.status_code == 200
    assert "would buy 0.004 BTC for 200 USDT" in answer.text
    assert 'action="/admin/presets/new/"' in answer.text
    wrong = visitor.post(
        "/admin/presets/example", FORM | {"sizing_value": "-1", "take_profits": "up 3", "leverage": "x"}
    )
    assert wrong.status_code == 200
    assert "This is not a number" in wrong.text
    assert "No example" in wrong.text
    contradicting = visitor.post("/admin/presets/example", FORM | {"stop_loss_mode": "percent"})
    assert contradicting.status_code == 200
    assert "field-error" in contradicting.text
    assert world.count(TradingPreset) == world.count(AuditEntry) == 0


def test_preset_when_checked_while_it_is_edited_then_goes_back_to_its_own_form(visitor: Visitor) -> None:
    preset = world.save(TradingPreset(name="Old"))
    edit = f"/admin/presets/edit/?id={preset.id}"
    assert "would buy 0.0002 BTC" in visitor.get(edit).text
    answer = visitor.post(f"/admin/presets/example?id={preset.id}", FORM | {"seen": "as before"})
    assert f'action="{edit}"' in answer.text
    assert 'name="seen" value="as before"' in answer.text
    assert 'value="Careful"' in answer.text
    assert visitor.post(edit, FORM).status_code == 302


def test_example_when_a_trader_asks_the_panel_then_is_refused(trader_visitor: Visitor) -> None:
    assert trader_visitor.post("/admin/presets/example", FORM).status_code == 403
