"""A healthy account on which no signal would trade says so, and why, where its owner looks first."""

from datetime import timedelta

from portal.db import db, utcnow
from portal.models import ExecutionConnection, Subscription, TradingPreset, User
from portal.services import trading_state
from portal.services.connections_progress import Step, Watch
from portal.trading.types import ConnectionMode, MarketType, TradingStateValue
from portal.web import obstacles
from tests import world
from tests.web.conftest import MakeVisitor

HALTED, REDUCING, ACTIVE = TradingStateValue.HALTED, TradingStateValue.REDUCING, TradingStateValue.ACTIVE


def test_account_when_trading_is_stopped_for_it_then_its_pages_do_not_call_it_ready(
    alice: User, bob: User, visiting: MakeVisitor
) -> None:
    mine, path = world.make_connection(alice, last_connected_at=utcnow()), "/connections/1"
    world.make_plan("Majors", alice)
    world.make_connection(bob)
    visitor = visiting(alice)
    assert "Ready for signals." in visitor.see(path)
    for scope, key, words in (
        ("everything", "", "Trading is halted everywhere"),
        ("user", alice.email, "Trading is halted for its owner"),
        ("exchange", "sandbox", "Trading is halted at Practice exchange"),
        ("connection", str(mine.id), "Trading is halted on this account"),
    ):
        trading_state.set_state(scope, key, HALTED, "our own business", actor="test")
        page = visitor.see(path)
        assert words in page
        assert "Ready for signals" not in page
        assert "our own business" not in page
        assert ("Trading is halted" in visitor.see("/")) is (scope in ("everything", "user"))
        trading_state.set_state(scope, key, ACTIVE, "over", actor="test")
    trading_state.set_state("user", bob.email, HALTED, actor="test")
    trading_state.set_state("symbol", "BTC/USDT", REDUCING, actor="test")
    assert "Ready for signals." in visitor.see(path)
    assert "Trading is" not in visitor.see("/")


def test_account_when_nobody_pays_for_it_or_its_preset_does_not_fit_then_says_so(
    alice: User, visiting: MakeVisitor
) -> None:
    spot = world.save(TradingPreset(name="Careful", market_type=MarketType.SPOT))
    account = world.make_connection(
        alice, exchange_name="sandboxusdm", preset_id=spot.id, last_connected_at=utcnow()
    )
    subscription = Subscription(
        user_id=alice.id, plan_id=world.make_plan("Majors").id, starts_at=utcnow() - timedelta(days=2)
    )
    world.save(subscription)
    visitor = visiting(alice)
    visitor.post(f"/connections/{account.id}/test")
    Watch(account.id).note(Step.WORKS)
    page = visitor.see(f"/connections/{account.id}")
    assert "Its preset Careful trades on the spot market, which Practice exchange, perp" in page
    assert "takes part in the next signal" not in page
    assert "It works. But: Its preset Careful" in page
    spot.market_type = MarketType.SWAP
    world.save(spot)
    assert "Ready for signals." in visitor.see(f"/connections/{account.id}")
    subscription.ends_at = utcnow() - timedelta(days=1)
    world.save(subscription)
    assert "No current subscription stands behind it" in visitor.see(f"/connections/{account.id}")
    account.is_active = False
    assert obstacles.of(account) == [], "that it is switched off is said already"


def test_live_account_when_the_installation_trades_no_real_money_then_says_so(alice: User) -> None:
    world.make_plan("Majors", alice)
    live = world.make_connection(alice, exchange_name="bybit", mode=ConnectionMode.LIVE)
    assert "real money is off" in obstacles.of(live)[0]
    assert obstacles.of(world.make_connection(alice, name="Practice", mode=ConnectionMode.LIVE)) == []


def test_first_steps_when_a_preset_does_not_fit_an_account_then_it_is_not_put_there(
    alice: User, visiting: MakeVisitor
) -> None:
    spot = world.save(TradingPreset(name="A spot one", market_type=MarketType.SPOT, visibility="public"))
    world.save(TradingPreset(name="B swap one", market_type=MarketType.SWAP, visibility="public"))
    perpetuals = world.make_connection(alice, name="Perpetuals", exchange_name="sandboxusdm")
    visitor = visiting(alice)
    page = visitor.get("/welcome").text
    assert page.index("B swap one") < page.index("A spot one"), "the first one is chosen without a look"
    page = visitor.post("/welcome/preset", {"preset": str(spot.id)}, follow_redirects=True).text
    assert "A spot one trades on a market that Perpetuals does not have" in page
    assert db.session.get_one(ExecutionConnection, perpetuals.id).preset_id is None
    world.make_connection(alice, name="Spot account")
    page = visitor.post("/welcome/preset", {"preset": str(spot.id)}, follow_redirects=True).text
    assert "A spot one is used on 1 connection." in page
