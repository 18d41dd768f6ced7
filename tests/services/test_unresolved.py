"""Orders in doubt: what is written down of the questions, who is told, and what a person may decide. Orders
are counted at the exchange."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, utcnow
from portal.errors import ConflictError, NotFoundError, PortalError, ValidationError
from portal.models import AuditEntry, ExecutionConnection, Notification, Order, OrderQuestion
from portal.services import books, positions, resolution, venues
from portal.services.unresolved import adopting, asking, deciding, looking, questions
from portal.trading.orders import OrderRequest
from portal.trading.types import (
    Answer,
    ExecutionStatus,
    NotificationType,
    OrderState,
    OrderType,
    PositionStatus,
    QuestionKind,
    Side,
)
from tests.helpers import at_once, silence
from tests.services.desk import Desk


def asked(order_id: int, kind: QuestionKind = QuestionKind.ASK) -> list[OrderQuestion]:
    return [each for each in questions.latest(order_id)[::-1] if each.kind is kind]


def audited() -> list[AuditEntry]:
    wanted = sa.select(AuditEntry).where(AuditEntry.object_type == "order").order_by(AuditEntry.id)
    return list(db.session.scalars(wanted))


def actions() -> list[str]:
    return [each.action for each in audited()]


def told(kind: NotificationType) -> list[str]:
    wanted = sa.select(Notification.title).where(Notification.type == kind).order_by(Notification.id)
    return list(db.session.scalars(wanted))


def place_by_hand(quantity: Decimal, side: Side = Side.BUY) -> str:
    """An order of the account's owner, sent past Portico; the venue's id of it."""
    connection = db.session.scalars(sa.select(ExecutionConnection)).one()
    now = utcnow()
    request = OrderRequest(
        client_order_id="b" * 32,
        symbol="BTC/USDT",
        side=side,
        order_type=OrderType.MARKET,
        quantity=quantity,
        sent_at=now,
        not_after=now + timedelta(seconds=5),
    )
    with venues.exchange_for(connection) as exchange:
        return exchange.place_order(request).exchange_order_id


def lose_answer(desk: Desk, kind: str = "close_before_accept") -> Order:
    """An entry whose answer was lost, while no question about it is answered."""
    desk.sandbox.add_fault(kind, count=1)
    silence(desk.sandbox)
    desk.trade()
    desk.later(40)
    desk.resolve_due()
    order = desk.order()
    assert order.state is OrderState.UNRESOLVED
    return order


def test_questions_when_asked_in_doubt_are_kept_with_what_was_answered(desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk)
    (failed,) = asked(order.id)
    assert (failed.answer, failed.code) == (Answer.FAILED, "UNAVAILABLE")
    assert failed.message
    assert failed.duration_ms is not None

    desk.sandbox.clear_faults()
    desk.later(40)
    desk.resolve_due()

    first, *rest = asked(order.id)[1:]
    assert (first.answer, first.counted) == (Answer.NOT_FOUND, True)
    assert {"order", "open"} <= set(first.absent_from)
    assert [each.answer for each in rest] == [Answer.NOT_FOUND] * 2
    assert desk.order().state is OrderState.NOT_PLACED


def test_question_when_the_order_is_found_names_it_and_a_normal_order_has_none(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("http_after", count=1, status=502)
    desk.trade()
    desk.later(2)
    desk.resolve_due()
    (found,) = asked(desk.order().id)
    assert (found.answer, found.exchange_order_id) == (Answer.FOUND, desk.order().exchange_order_id)

    desk.trade(currency_pair="ETH/USDT")
    assert desk.orders()[1].state is OrderState.FILLED
    assert asked(desk.orders()[1].id) == []


def test_ask_again_when_the_back_off_is_long_asks_now_and_sends_nothing(desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk, "accept_no_answer")
    desk.sandbox.clear_faults()
    desk.forget_traffic()
    desk.resolve_due()
    assert desk.order().state is OrderState.UNRESOLVED, "its next question is not due"

    deciding.ask_again(order.id, actor=desk.admin)
    desk.resolve_due()

    assert desk.order().state is OrderState.FILLED
    assert desk.accepted() == 1
    assert actions() == ["portal.order.asked_again"]
    with pytest.raises(ConflictError, match="it is filled"):
        deciding.ask_again(order.id, actor=desk.admin)
    with pytest.raises(NotFoundError):
        deciding.ask_again(order.id + 999, actor=desk.admin)
    assert actions() == ["portal.order.asked_again"]


def test_f35_doubt_when_the_venue_gives_no_answer_is_told_once_within_a_minute_and_settled_loudly(
    desk: Desk,
) -> None:
    desk.account()
    silence(desk.sandbox)
    desk.sandbox.add_fault("http_after", count=1, status=502)
    desk.trade()
    desk.later(39)
    assert desk.sweep()["unresolved"] == 0
    desk.later(2)
    assert [desk.sweep()["unresolved"] for _ in range(3)] == [1, 0, 0]
    assert told(NotificationType.UNRESOLVED) == ["An order for BTC/USDT is unresolved"]

    desk.sandbox.clear_faults()
    desk.later(20)
    desk.resolve_due()

    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert told(NotificationType.UNRESOLVED)[1:] == ["The order for BTC/USDT is settled"]
    bodies = db.session.scalars(sa.select(Notification.body)).all()
    assert any("BTC/USDT: found at the exchange" in body for body in bodies)
    assert desk.accepted() == 1


def test_doubt_when_settled_within_seconds_is_told_to_nobody(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("http_after", count=1, status=502)
    desk.trade()
    desk.later(2)
    desk.resolve_due()
    desk.later(60)
    desk.sweep()
    assert told(NotificationType.UNRESOLVED) == []


def test_f35_close_in_doubt_when_a_new_signal_comes_holds_its_entry_back_until_it_is_settled(
    desk: Desk,
) -> None:
    desk.account()
    desk.trade()
    desk.sandbox.add_fault("http_before", count=1, status=503)
    silence(desk.sandbox)
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()
    assert desk.orders()[1].state is OrderState.UNRESOLVED

    (second,) = desk.publish()
    assert desk.run(second).status is ExecutionStatus.PENDING
    (elsewhere,) = desk.publish(currency_pair="ETH/USDT")
    assert desk.run(elsewhere).status is ExecutionStatus.FILLED
    assert desk.accepted() == 2

    desk.sandbox.clear_faults()
    desk.later(40)
    desk.resolve_due()
    assert desk.orders()[1].state is OrderState.NOT_PLACED
    assert desk.run(second).status is ExecutionStatus.FILLED


def test_declaration_when_the_phrase_fits_ends_the_order_and_no_second_one_follows(desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk)
    deciding.declare_not_placed(order.id, " not placed:  alpha BTC/USDT ", actor=desk.admin)

    assert (desk.order().state, desk.order().error_code) == (OrderState.NOT_PLACED, "DECLARED_NOT_PLACED")
    (execution,) = desk.executions()
    assert (execution.status, execution.code) == (ExecutionStatus.NOT_PLACED, "DECLARED_NOT_PLACED")
    (entry,) = audited()
    assert (entry.action, entry.actor_id) == ("portal.order.declared_not_placed", desk.admin_id)
    assert entry.data["answers"] == {"failed": 1}
    desk.sandbox.clear_faults()
    desk.later(40)
    desk.sweep()
    desk.resolve_due()
    desk.run_all()
    assert desk.executions()[0].status is ExecutionStatus.NOT_PLACED
    assert (desk.accepted(), len(desk.orders())) == (0, 1)


@pytest.mark.parametrize("typed", ["", "yes", "not placed: alpha ETH/USDT", "NOT PLACED: ALPHA BTC/USDT"])
def test_declaration_when_the_phrase_is_wrong_changes_nothing(desk: Desk, typed: str) -> None:
    desk.account()
    order = lose_answer(desk)
    with pytest.raises(ValidationError, match="type exactly: not placed: alpha BTC/USDT"):
        deciding.declare_not_placed(order.id, typed, actor=desk.admin)
    assert desk.order().state is OrderState.UNRESOLVED
    assert actions() == []


def test_f33_declaration_when_the_request_may_still_arrive_is_refused(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("close_before_accept", count=1)
    silence(desk.sandbox)
    desk.trade()
    order = desk.order()
    with pytest.raises(ConflictError, match="may still arrive"):
        deciding.declare_not_placed(order.id, deciding.phrase_for(order), actor=desk.admin)
    with pytest.raises(ConflictError, match="may still arrive"):
        asking.request_adoption(order.id, "1", actor=desk.admin)
    assert desk.order().state is OrderState.UNRESOLVED
    assert actions() == []


def test_declared_entry_when_it_was_filled_all_the_same_is_booked_with_an_alarm(desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk, "accept_no_answer")
    deciding.declare_not_placed(order.id, deciding.phrase_for(order), actor=desk.admin)
    assert desk.positions() == []
    desk.sandbox.clear_faults()
    desk.later(2)
    desk.resolve_due()
    assert desk.order().state is OrderState.FILLED
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.position().quantity > 0
    assert told(NotificationType.ERROR) == ["Late fill on BTC/USDT"]
    assert desk.accepted() == 1
    assert books.verify() == []


def test_declared_entry_when_it_rests_all_the_same_is_reported_once(desk: Desk) -> None:
    desk.account(preset=desk.preset(order_type="limit"))
    desk.sandbox.add_fault("accept_no_answer", count=1)
    silence(desk.sandbox)
    desk.trade(order_type="limit", open_price="50000", sl="49000")
    desk.later(40)
    order = desk.order()
    deciding.declare_not_placed(order.id, deciding.phrase_for(order), actor=desk.admin)
    desk.sandbox.clear_faults()
    for _ in range(3):
        desk.later(60)
        desk.resolve_due()
    assert desk.order().state is OrderState.NOT_PLACED
    assert told(NotificationType.ERROR) == ["An order for BTC/USDT exists after all"]
    assert desk.accepted() == 1


def test_declared_entry_when_an_hour_has_passed_is_not_asked_about_any_more(desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk)
    deciding.declare_not_placed(order.id, deciding.phrase_for(order), actor=desk.admin)
    desk.sandbox.clear_faults()
    desk.later(60)
    desk.resolve_due()
    assert desk.order().next_query_at is not None
    db.session.execute(sa.update(Order).values(closed_at=Order.closed_at - sa.text("interval '2 hours'")))
    db.session.commit()
    desk.later(60)
    desk.resolve_due()
    assert desk.order().next_query_at is None


def test_close_when_declared_not_placed_is_tried_again_and_sold_once(desk: Desk) -> None:
    desk.account()
    desk.trade()
    desk.sandbox.add_fault("close_before_accept", count=1)
    silence(desk.sandbox)
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()
    desk.later(40)
    close = desk.orders()[1]
    assert close.state is OrderState.UNRESOLVED
    assert desk.position().status is PositionStatus.CLOSING

    deciding.declare_not_placed(close.id, deciding.phrase_for(close), actor=desk.admin)
    assert desk.position().status is PositionStatus.OPEN
    desk.sandbox.clear_faults()
    desk.later(10)
    desk.close_wanted()

    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2
    assert desk.held("alpha") < desk.orders()[0].quantity


def test_guard_when_declared_not_placed_is_placed_again(desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish(sl="10000")
    desk.run(execution)
    desk.sandbox.add_fault("close_before_accept", count=1)
    silence(desk.sandbox)
    desk.protect()
    desk.later(40)
    guard = next(each for each in desk.orders() if each.is_guard)
    assert guard.state in (OrderState.UNRESOLVED, OrderState.IN_FLIGHT)
    desk.sandbox.clear_faults()

    deciding.declare_not_placed(guard.id, deciding.phrase_for(guard), actor=desk.admin)
    desk.protect()

    assert len(desk.guards("alpha")) == 1
    first, second = [each for each in desk.orders() if each.is_guard]
    assert first.error_code == "DECLARED_NOT_PLACED"
    assert second.state is OrderState.OPEN


def test_adoption_when_the_order_is_ours_without_our_id_is_recorded_with_its_fills(desk: Desk) -> None:
    """The venue's lists name no id, so it could not be found; a person recognises it."""
    desk.account()
    order_id = lose_answer(desk, "accept_no_answer").id
    there = str(desk.sandbox.orders()[0].order_id)
    desk.sandbox.clear_faults()
    desk.forget_traffic()

    asking.request_adoption(order_id, there, actor=desk.admin)
    with pytest.raises(ConflictError, match="a moment ago"):
        asking.request_adoption(order_id, there, actor=desk.admin)
    (wish_id,) = [each.id for each in asked(order_id, QuestionKind.ADOPT)]
    for _ in range(2):
        asking.carry_out(wish_id)

    assert desk.order().state is OrderState.FILLED
    assert desk.order().exchange_order_id == there
    assert desk.position().quantity > 0
    assert [each.answer for each in asked(order_id, QuestionKind.ADOPT)] == [Answer.WANTED, Answer.FOUND]
    assert actions() == ["portal.order.adoption_requested", "portal.order.adopted"]
    assert desk.accepted() == 1
    assert books.verify() == []


def refusal(do: Callable[[], None]) -> str:
    with pytest.raises(PortalError) as caught:
        do()
    return caught.value.message


def test_adoption_when_the_order_cannot_be_ours_is_refused_and_nothing_is_recorded(desk: Desk) -> None:
    desk.account()
    first = desk.trade()
    assert first.status is ExecutionStatus.FILLED
    mine_id, theirs = desk.order().id, str(desk.order().exchange_order_id)
    desk.sandbox.add_fault("close_before_accept", count=1)
    silence(desk.sandbox)
    desk.trade()
    desk.later(40)
    doubt_id = desk.orders()[1].id
    desk.sandbox.clear_faults()
    desk.forget_traffic()

    owned = refusal(lambda: adopting.adopt(doubt_id, theirs, actor=desk.admin))
    assert f"belongs to order {mine_id} of ours" in owned
    assert "does not have an order 999999999" in refusal(
        lambda: adopting.adopt(doubt_id, "999999999", actor=desk.admin)
    )
    assert desk.orders()[1].state is OrderState.UNRESOLVED
    assert {each.order_id for each in desk.fills()} == {mine_id}
    assert actions() == []


def test_adoption_when_the_order_carries_a_foreign_id_is_refused(desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk)
    desk.sandbox.clear_faults()
    desk.forget_traffic()
    there = place_by_hand(order.quantity)

    why = refusal(lambda: adopting.adopt(order.id, there, actor=desk.admin))

    assert "another client order id" in why
    assert desk.order().state is OrderState.UNRESOLVED
    assert desk.positions() == []


def test_look_when_asked_for_lists_what_it_could_be_and_why_not(desk: Desk) -> None:
    desk.account()
    desk.trade()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    silence(desk.sandbox)
    desk.trade()
    desk.later(40)
    doubt = desk.orders()[1]
    desk.sandbox.clear_faults()
    desk.forget_traffic()
    by_hand = place_by_hand(doubt.quantity / 2, Side.SELL)

    asking.request_look(doubt.id, actor=desk.admin)
    looking.look(doubt.id)

    wanted, seen = asked(doubt.id, QuestionKind.LOOK)
    assert (wanted.answer, wanted.asked_by) == (Answer.WANTED, desk.admin.email)
    assert seen.answer is Answer.FOUND
    listed = {each["exchange_order_id"]: each["why_not"] for each in seen.listed}
    lost = next(each for each in desk.sandbox.orders() if each.client_order_id == doubt.client_order_id)
    assert listed == {str(lost.order_id): None, by_hand: "it is a sell, ours is a buy"}
    assert desk.orders()[1].state is OrderState.UNRESOLVED


def test_look_when_the_exchange_does_not_answer_says_so(desk: Desk) -> None:
    desk.account()
    order_id = lose_answer(desk).id
    looking.look(order_id)
    (seen,) = asked(order_id, QuestionKind.LOOK)
    assert (seen.answer, seen.listed) == (Answer.FAILED, [])
    assert seen.message


def together(app: Flask, *works: Callable[[], object]) -> list[str]:
    """Run all at the same moment, each as a process of its own would; what each was told."""

    def told_of(work: Callable[[], object]) -> str:
        try:
            work()
        except PortalError as error:
            return error.message
        return "done"

    return at_once(app, [partial(told_of, work) for work in works])


def test_declarations_when_two_people_make_them_at_once_count_once(app: Flask, desk: Desk) -> None:
    desk.account()
    order = lose_answer(desk)
    order_id, phrase = order.id, deciding.phrase_for(order)
    db.session.rollback()
    said = together(app, *[lambda: deciding.declare_not_placed(order_id, phrase, actor="somebody")] * 4)
    assert sorted(said)[-1] == "done"
    assert said.count("done") == 1
    assert sum("was settled in the meantime: it is not placed" in each for each in said) == 3
    assert actions() == ["portal.order.declared_not_placed"]


def test_f30_declaration_when_the_resolver_finds_the_order_at_the_same_time_loses_nothing(
    app: Flask, desk: Desk
) -> None:
    desk.account()
    order = lose_answer(desk, "accept_no_answer")
    order_id, phrase = order.id, deciding.phrase_for(order)
    there = str(desk.sandbox.orders()[0].order_id)
    desk.sandbox.clear_faults()
    desk.later(40)
    db.session.rollback()
    together(
        app,
        lambda: deciding.declare_not_placed(order_id, phrase, actor="somebody"),
        lambda: resolution.resolve(order_id),
        lambda: adopting.adopt(order_id, there, actor="somebody else"),
    )
    for _ in range(2):
        desk.later(60)
        desk.resolve_due()
    assert desk.order().state is OrderState.FILLED
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.position().quantity == sum(fill.quantity for fill in desk.fills()) - fees(desk)
    assert desk.accepted() == 1
    assert books.verify() == []


def fees(desk: Desk) -> Decimal:
    """What the exchange kept of the coins that were bought."""
    kept = [fee for fill in desk.fills() for fee in fill.fees if fee["currency"] == "BTC"]
    return sum((Decimal(fee["cost"]) for fee in kept), Decimal(0))
