"""Presets, data connections and the switches that stop trading."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db
from portal.exchanges.budgets import Call
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.models import AuditEntry, DataConnection, Notification, TradingPreset, TradingState, User
from portal.services import traffic
from portal.services.traffic import Ruling
from portal.services.traffic_lanes import route
from portal.trading.types import TradingStateValue
from tests import world
from tests.visiting import Visitor

PRESET: dict[str, Any] = {
    "name": "Careful", "visibility": "public", "enabled": "y", "order_type": "market",
    "time_in_force": "standard", "market_type": "spot", "max_slippage_bps": "50",
    "max_signal_age_seconds": "60", "sizing_mode": "percentage", "sizing_value": "0.5",
    "stop_loss_mode": "percent", "stop_loss_value": "2", "when_unprotected": "alert",
    "take_profits": "percent 2 0.5\npercent 4 0.5", "allowed_symbols": "BTC/USDT, ETH/USDT",
    "trading_days": "mon, tue", "trading_start": "08:00", "trading_end": "20:00",
    "trading_timezone": "Europe/Berlin",
}  # fmt: skip


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_preset_when_saved_then_is_stored_exactly_and_shown_again(visitor: Visitor) -> None:
    assert visitor.post("/admin/presets/new/", PRESET).status_code == 302
    preset = db.session.get_one(TradingPreset, 1)
    assert preset.sizing_value == Decimal("0.5")
    assert [each["value"] for each in preset.take_profits] == ["2", "4"]
    assert preset.allowed_symbols == ["BTC/USDT", "ETH/USDT"]
    assert preset.rules().trading_hours is not None
    page = visitor.get("/admin/presets/edit/?id=1").text
    assert "percent 2 0.5" in page
    assert "Europe/Berlin" in page
    visitor.post("/admin/presets/edit/?id=1", {**PRESET, "sizing_value": "0.25"})
    assert db.session.get_one(TradingPreset, 1).sizing_value == Decimal("0.25")
    assert actions() == ["portal.preset.created", "portal.preset.changed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sizing_value", "-1"), ("sizing_value", "NaN"), ("sizing_value", "abc"),
        ("leverage", "0"), ("take_profits", "percent"), ("take_profits", "moon 1 1"),
        ("allowed_symbols", "nonsense"), ("trading_timezone", "Mars/Base"), ("max_slippage_bps", "1e400"),
        ("name", ""), ("visibility", "secret"),
    ],
)  # fmt: skip
def test_preset_when_a_field_is_wrong_then_the_reason_stands_there_and_nothing_is_stored(
    visitor: Visitor, field: str, value: str
) -> None:
    response = visitor.post("/admin/presets/new/", {**PRESET, field: value})
    assert response.status_code == 200
    assert "field-error" in response.text
    assert world.count(TradingPreset) == 0
    assert actions() == []


def test_preset_when_used_then_is_not_deleted(visitor: Visitor, trader: User) -> None:
    preset = world.save(TradingPreset(name="Careful"))
    world.make_connection(trader, preset_id=preset.id)
    assert "Connections use this preset" in visitor.post(
        "/admin/presets/delete/", {"id": str(preset.id)}, follow_redirects=True
    ).text  # fmt: skip
    assert world.count(TradingPreset) == 1


def test_preset_when_the_name_is_taken_then_is_refused(visitor: Visitor) -> None:
    world.save(TradingPreset(name="Careful"))
    assert "has a preset with this name" in visitor.post("/admin/presets/new/", PRESET).text
    assert world.count(TradingPreset) == 1


def test_data_connection_when_the_exchange_is_unknown_then_is_refused(visitor: Visitor) -> None:
    data = {"name": "Prices", "provider": "nowhere", "is_active": "y"}
    assert "is not the name of an exchange" in visitor.post("/admin/data_connections/new/", data).text
    assert world.count(DataConnection) == 0
    bad = {**data, "provider": "binance", "settings": "{broken"}
    assert "not valid JSON" in visitor.post("/admin/data_connections/new/", bad).text
    assert world.count(DataConnection) == 0
    visitor.post("/admin/data_connections/new/", {**data, "provider": "Binance"})
    assert db.session.get_one(DataConnection, 1).provider == "binance"
    assert actions() == ["portal.data_connection.created"]


def test_switch_when_set_then_stands_on_the_dashboard_with_its_reason(visitor: Visitor) -> None:
    data = {"state": "halted", "scope": "everything", "key": "", "reason": "Venue is down"}
    refused = visitor.post("/admin/trading_state/set", data)
    assert refused.status_code == 422
    assert "Type HALTED to set this for everybody" in refused.text
    assert "Venue is down" in refused.text, "what was typed is lost"
    assert world.count(TradingState) == 0
    data["confirmation"] = "halted"
    assert visitor.post("/admin/trading_state/set", data).status_code == 302
    state = db.session.get_one(TradingState, 1)
    assert (state.state, state.reason, state.set_by) == (
        TradingStateValue.HALTED, "Venue is down", "admin@example.org",
    )  # fmt: skip
    page = visitor.get("/admin/").text
    assert "is halted" in page
    assert "Venue is down" in page
    visitor.post(
        "/admin/trading_state/set", {**data, "state": "active", "confirmation": "ACTIVE", "reason": "Back"}
    )
    assert "is halted" not in visitor.get("/admin/").text
    assert actions() == ["portal.trading_state.set", "portal.trading_state.set"]


def test_exchange_when_it_does_not_answer_then_the_dashboard_says_so(visitor: Visitor) -> None:
    way = route("sandbox", "here")
    error = ExchangeError(ErrorCode.MAINTENANCE, "no", outcome=Outcome.UNKNOWN)
    traffic.current().failed(way, Call.TICKERS, error, Ruling())
    assert "Practice exchange does not answer" in visitor.get("/admin/").text
    traffic.current().worked(way)
    assert "does not answer" not in visitor.get("/admin/").text


def test_switch_when_it_has_no_reason_or_an_unknown_key_then_nothing_is_set(visitor: Visitor) -> None:
    data = {"state": "halted", "scope": "connection", "key": "999", "reason": "x"}
    assert visitor.post("/admin/trading_state/set", {**data, "reason": ""}).status_code == 422
    for wrong in (
        {"key": "999"}, {"scope": "symbol", "key": "eth-usdt"},
        {"scope": "user", "key": "nobody@example.org"}, {"scope": "exchange", "key": ""},
    ):  # fmt: skip
        refused = visitor.post("/admin/trading_state/set", {**data, **wrong, "reason": "Feed is wrong"})
        assert refused.status_code == 422, wrong
        assert "othing was changed" in refused.text, wrong
        assert "Feed is wrong" in refused.text, "what was typed is lost"
        assert '<option selected value="halted">' in refused.text, "something else would be set"
    assert world.count(TradingState) == 0


def test_switch_when_it_is_about_somebody_then_pages_name_them_and_lead_to_its_end(visitor: Visitor) -> None:
    trader = world.make_user("erin@example.org", "trader")
    account = world.make_connection(trader, name="Erin, main")
    for scope, key in (("user", trader.email), ("connection", str(account.id))):
        data = {"state": "halted", "scope": scope, "key": key, "reason": "x"}
        assert visitor.post("/admin/trading_state/set", data).status_code == 302
    for page in ("/admin/", "/admin/trading_state/"):
        text = visitor.get(page).text
        assert "User erin@example.org" in text, page
        assert "Connection Erin, main" in text, page
        assert f"/admin/trading_state/?scope=connection&amp;key={account.id}" in text, page
    form = visitor.get(f"/admin/trading_state/?scope=connection&key={account.id}").text
    assert '<option selected value="active">' in form
    assert '<option selected value="connection">' in form
    assert f'value="{account.id}"' in form
    assert '<option selected value="halted">' in visitor.get("/admin/trading_state/?scope=nonsense").text
    told = db.session.scalars(sa.select(Notification.title).where(Notification.user_id == trader.id)).all()
    assert any(title.startswith("User erin@example.org is halted") for title in told), told
