"""What a draft would do, asked by the code that would do it, without doing it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from flask import Flask
from redis import Redis

from portal.db import db, end_read, utcnow
from portal.errors import ConflictError
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.jobs import previews as preview_jobs
from portal.jobs.table import JOBS, QUEUES, URGENT
from portal.models import AuditEntry, Execution, ExecutionPosition, Order, Signal
from portal.services import executions, planning, prices, signals, trading_state, traffic, venues
from portal.services.previews import looking, runs
from portal.services.previews.answers import Answer, Verdict, totals
from portal.services.previews.runs import Preview
from portal.services.traffic_lanes import Purpose, route
from portal.trading.orders import OrderRef, OrderRequest
from portal.trading.signal import SignalTerms
from portal.trading.types import OrderType, Side, TradingStateValue
from tests import world
from tests.services.desk import Desk, now_in

ALLOWED = {"max_signal_age_seconds": 3600}


def draft(desk: Desk, **data: object) -> int:
    sent = {"currency_pair": "BTC/USDT", "direction": "buy", **data}
    return signals.submit(sent, author=desk.admin, source="admin", publish=False).signal_id


def previewed(desk: Desk, signal_id: int) -> Preview:
    """Ask for it, and work as one worker would."""
    run = runs.start(signal_id, actor=desk.admin)
    end_read()
    while runs.work(run.id):
        pass
    found = latest(signal_id)
    assert found is not None
    return found


def latest(signal_id: int) -> Preview | None:
    found = runs.latest(db.session.get_one(Signal, signal_id, populate_existing=True))
    end_read()
    return found


def answers(preview: Preview) -> list[Answer]:
    return list(preview.answers.values())


def terms_of_a_draft(desk: Desk) -> SignalTerms:
    return planning.terms_of(db.session.get_one(Signal, draft(desk)))


def nothing_happened(desk: Desk) -> None:
    assert desk.accepted() == 0, "an order was accepted by the exchange"
    assert world.count(Execution) == world.count(Order) == world.count(ExecutionPosition) == 0


def test_preview_when_made_then_it_says_what_the_orders_are_that_publishing_sends(desk: Desk) -> None:
    desk.price("BTCUSDT", 64_000)
    desk.account("alpha", preset=desk.sized(500))
    desk.account("beta", preset=desk.preset(blocked_symbols=["BTC/USDT"]))
    halted = desk.account("gamma")
    trading_state.set_state(
        "connection", str(halted.id), TradingStateValue.HALTED, "a test", actor=desk.admin
    )
    signal_id = draft(desk, sl="63000", tp="66000")
    preview = previewed(desk, signal_id)
    nothing_happened(desk)
    trades, blocked, stopped = answers(preview)
    assert (blocked.verdict, blocked.code) == (Verdict.REFUSE, "SYMBOL_BLOCKED")
    assert (stopped.verdict, stopped.code) == (Verdict.REFUSE, "TRADING_HALTED")
    assert "BTC/USDT" in blocked.message
    (sketch,) = trades.sketches
    assert (sketch.symbol, sketch.side, sketch.unit, sketch.currency) == ("BTC/USDT", "buy", "BTC", "USDT")
    assert (sketch.sl_price, sketch.targets) == (Decimal(63_000), (Decimal(66_000),))
    assert sketch.protection == "native"
    assert sketch.notional is not None
    assert Decimal(480) < sketch.notional <= 500
    assert totals(preview.answers) == {"USDT": sketch.notional}
    assert (preview.waiting, preview.stale, preview.silent) == (0, False, False)
    # What it said is what is then done, and refused.
    signals.publish(signal_id, actor=desk.admin)
    desk.run_all()
    order = desk.order()
    assert (order.quantity, order.price, order.notional) == (sketch.quantity, sketch.price, sketch.notional)
    assert [each.code for each in desk.executions()] == [None, blocked.code, stopped.code]
    assert desk.sent() == 1
    assert latest(signal_id).stale  # type: ignore[union-attr]


def test_preview_when_the_exchange_is_opened_for_it_then_no_order_can_pass(desk: Desk) -> None:
    terms = replace(terms_of_a_draft(desk), published_at=utcnow())
    connection = desk.account()
    rules = planning.rules_of(connection)
    with venues.exchange_for(connection, Purpose.PREVIEW) as exchange:
        plan = planning.plan(connection, rules, terms, exchange)
        assert not hasattr(plan, "code")
        now = utcnow()
        request = OrderRequest(
            client_order_id="c" * 32, symbol="BTC/USDT", side=Side.BUY, order_type=OrderType.MARKET,
            quantity=Decimal("0.01"), sent_at=now, not_after=now + timedelta(seconds=10),
        )  # fmt: skip
        with pytest.raises(ExchangeError) as refused:
            exchange.place_order(request)
        with pytest.raises(ExchangeError):
            exchange.cancel_order(OrderRef("c" * 32, "BTC/USDT", now))
    assert refused.value.outcome is Outcome.NOT_PLACED
    assert "sends and cancels nothing" in refused.value.message
    nothing_happened(desk)


def test_preview_when_an_execution_ran_over_its_exchange_then_the_order_ends_unplaced(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a mistake handed the preview's exchange to the code that sends."""
    desk.account()
    monkeypatch.setattr(executions, "Purpose", SimpleNamespace(ENTRY=Purpose.PREVIEW))
    execution = desk.trade()
    assert (execution.status, desk.order().state) == ("not_placed", "not_placed")
    assert desk.accepted() == 0


def test_preview_when_a_venue_cannot_be_asked_then_that_is_said_and_is_no_refusal(
    app: Flask, desk: Desk
) -> None:
    desk.account("alpha")
    away = desk.account("beta", exchange="sandboxusdm").id
    settings = app.extensions["portal_settings"]
    urls = {**settings.exchange_urls, "sandboxusdm": "http://127.0.0.1:9"}
    app.extensions["portal_settings"] = replace(settings, exchange_urls=urls)
    signal_id = draft(desk, market_type="spot")
    first, second = answers(previewed(desk, signal_id))
    assert first.verdict is Verdict.TRADE, first.message
    assert (second.connection_id, second.verdict, second.code) == (away, Verdict.UNKNOWN, "")
    assert second.message
    nothing_happened(desk)


def test_preview_when_there_is_no_budget_then_it_says_so_and_entries_still_have_theirs(desk: Desk) -> None:
    connection = desk.account()
    signal_id = draft(desk)
    error = ExchangeError(
        ErrorCode.RATE_LIMITED, "too many requests", outcome=Outcome.NOT_PLACED, retry_after=30
    )
    spec = venues.spec_for(connection)
    lanes = route("sandbox", "default", connection_id=connection.id, base_url=spec.base_url)
    assert all(
        lane.limit_for(Purpose.PREVIEW) * 2 <= lane.limit_for(Purpose.ENTRY) < lane.limit_for(Purpose.VITAL)
        for lane in lanes.lanes
        if lane.allowed.limit > 10
    )
    end_read()
    with venues.exchange_for(connection, Purpose.PREVIEW) as exchange:
        guarded: object = exchange
    traffic.current()._slow_down(guarded._route, error)  # type: ignore[attr-defined]
    (answer,) = answers(previewed(desk, signal_id))
    assert (answer.verdict, answer.code) == (Verdict.UNKNOWN, "")
    assert "asked for a pause" in answer.message
    nothing_happened(desk)


def test_preview_when_the_draft_is_edited_then_the_old_one_is_stale_and_no_work_goes_into_it(
    desk: Desk,
) -> None:
    desk.account()
    signal_id = draft(desk)
    run = runs.start(signal_id, actor=desk.admin)
    signals.update_draft(signal_id, {"currency_pair": "ETH/USDT", "direction": "buy"}, actor=desk.admin)
    desk.sandbox.reset_requests()
    assert runs.work(run.id) is False
    assert desk.sandbox.requests()["total"] == 0
    stale = latest(signal_id)
    assert stale is not None
    assert (stale.stale, stale.answers) == (True, {})
    fresh = previewed(desk, signal_id)
    assert not fresh.stale
    assert answers(fresh)[0].sketches[0].symbol == "ETH/USDT"


def test_preview_when_the_button_is_pressed_twice_then_one_is_made(desk: Desk) -> None:
    desk.account()
    signal_id = draft(desk)
    first, second = (runs.start(signal_id, actor=desk.admin) for _ in range(2))
    assert first == second
    asked = db.session.query(AuditEntry).filter_by(action="portal.signal.previewed").count()
    assert asked == 1


def test_preview_when_the_signal_is_published_then_there_is_nothing_to_preview(desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish()
    assert execution.signal_id is not None
    with pytest.raises(ConflictError):
        runs.start(execution.signal_id, actor=desk.admin)


def test_preview_when_the_signal_closes_then_it_names_what_would_be_closed(desk: Desk) -> None:
    desk.account("alpha", preset=desk.preset(**ALLOWED))
    desk.account("beta", preset=desk.preset(blocked_symbols=["BTC/USDT"]))
    desk.publish()
    desk.run_all()
    accepted, held = desk.accepted(), desk.position().quantity
    signal_id = draft(desk, action="close")
    closes, nothing = answers(previewed(desk, signal_id))
    (sketch,) = closes.sketches
    assert (sketch.closes, sketch.side, sketch.quantity) == (True, "sell", held)
    assert (nothing.verdict, nothing.code) == (Verdict.REFUSE, "NOTHING_TO_CLOSE")
    assert desk.accepted() == accepted
    assert desk.position().status == "open"


def test_preview_when_an_account_is_not_compared_yet_then_it_says_what_comes_first(desk: Desk) -> None:
    desk.account()
    (answer,) = answers(previewed(desk, draft(desk)))
    assert any("compared with its exchange" in note for note in answer.notes)


def test_preview_when_a_draft_has_expired_then_every_account_refuses(desk: Desk) -> None:
    connection = desk.account()
    terms = replace(terms_of_a_draft(desk), expires_at=utcnow() - timedelta(seconds=1))
    answer = looking.look(connection.id, terms)
    assert (answer.verdict, answer.code) == (Verdict.REFUSE, "SIGNAL_EXPIRED")
    assert draft(desk, expires_at=now_in(60))


def test_preview_when_it_is_old_then_redis_forgets_every_part_of_it(app: Flask, desk: Desk) -> None:
    desk.account()
    previewed(desk, draft(desk))
    redis: Redis = app.extensions["portal_redis"]
    kept = list(redis.scan_iter("portal:preview:*"))
    assert len(kept) >= 3
    assert all(0 < int(redis.ttl(key)) <= runs.KEPT for key in kept)
    redis.delete(*kept)
    assert runs.hands(1) == 0
    assert runs.work(1) is False
    assert not list(redis.scan_iter("portal:preview:*")), "half a record came back"


@pytest.mark.parametrize(
    "kind", ["garbage_200", "truncated_json", "empty_200", "close_before_accept", "rate_limit"]
)
def test_preview_when_a_venue_is_hostile_then_nobody_is_refused_for_it(desk: Desk, kind: str) -> None:
    desk.account("alpha", preset=desk.preset(**ALLOWED))
    desk.sandbox.add_fault(kind, "account")
    (answer,) = answers(previewed(desk, draft(desk)))
    assert (answer.verdict, answer.code) == (Verdict.UNKNOWN, ""), answer.message
    assert answer.message
    nothing_happened(desk)


def test_preview_when_prices_make_no_sense_then_it_refuses_as_an_order_would(desk: Desk) -> None:
    desk.account(preset=desk.preset(**ALLOWED))
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="NaN", askPrice="Infinity")
    desk.sandbox.misquote("BTCUSDT", "24hr", lastPrice="0", openPrice="0", priceChange="0", bidPrice="0")
    desk.sandbox.misquote("BTCUSDT", "depth", bids=[], asks=[])
    prices.forget()
    (answer,) = answers(previewed(desk, draft(desk)))
    assert answer.verdict is Verdict.REFUSE
    assert answer.code.startswith("PRICE_")
    assert desk.trade().code == answer.code
    assert desk.accepted() == 0


def test_preview_when_jobs_are_fetched_then_comes_after_everything_that_trades() -> None:
    queue = JOBS["preview_signal"].queue
    assert queue == QUEUES[-1]
    assert queue not in URGENT
    assert [name for name, spec in JOBS.items() if spec.queue == queue] == ["preview_signal"]


def test_preview_when_many_accounts_wait_then_works_in_slices_by_a_few_hands(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        world.make_connection(desk.admin, f"account {number}")
    signal_id = draft(desk)
    run = runs.start(signal_id, actor=desk.admin)
    assert run.total == 60
    assert [runs.hands(run.id) for _ in range(3)] == [2, 0, 0], "said once, whatever is repeated"
    monkeypatch.setattr(runs, "SLICE", 0.0)
    assert runs.work(run.id) is True, "more wait, and others go first"
    found = latest(signal_id)
    assert found is not None
    assert (len(found.answers), found.waiting) == (1, 59)
    monkeypatch.setattr(runs, "SLICE", 60.0)
    preview_jobs.preview_signal(run.id)
    assert latest(signal_id).waiting == 0  # type: ignore[union-attr]
    waiting = app.extensions["portal_redis"].llen("rq:queue:previews")
    assert waiting == 1, "the job of the click; nothing was left to ask for"
