"""The whole story of an execution, on the practice exchange: nothing missing, in the right order."""

from datetime import timedelta

from portal.db import db, end_read
from portal.models import Execution
from portal.services import closing, positions, stories
from portal.services.unresolved import deciding
from tests.services.desk import Desk
from tests.world import make_user


def titles(execution_id: int) -> list[str]:
    end_read()
    return [event.title for event in stories.story(db.session.get_one(Execution, execution_id))]


def in_order(found: list[str], *wanted: str) -> None:
    """Each of `wanted` begins a line of `found`, one after the other."""
    place = 0
    for beginning in wanted:
        places = [
            number for number, line in enumerate(found) if number >= place and line.startswith(beginning)
        ]
        assert places, (beginning, found)
        place = places[0]


def test_story_when_a_position_was_opened_and_closed_then_every_step_is_told_in_order(desk: Desk) -> None:
    desk.account()
    execution = desk.trade(sl="58000")
    key = execution.id
    desk.protect()
    positions.request_close(desk.position().id, actor=desk.admin)
    closing.run_close(desk.position().id)
    in_order(
        titles(key),
        "Signal #1 came in by api",
        "Signal #1 was published",
        "Execution #1 was written for alpha",
        "A worker took it",
        "Balance, prices and positions were read",
        "Entry order was sent",
        "Entry order is known at the exchange",
        "Stop-loss order was sent",
        "Stop-loss order was last read back",
        "Position: close requested, by admin@example.org",
        "Close order was sent",
        "Sold ",
    )
    in_order(titles(key), "Signal #1", "Position #1 was opened", "Protected", "Closed", "The owner was told")
    assert any(title.startswith("Bought ") for title in titles(key))
    assert titles(key).count("Entry order was sent") == 1


def test_story_when_the_answer_was_lost_then_each_question_and_its_answer_is_told(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    execution = desk.trade()
    key = execution.id
    desk.later(2)
    desk.resolve_due()
    found = titles(key)
    in_order(found, "Entry order was sent", "Unresolved", "The exchange was asked: found")
    assert desk.accepted() == 1


def test_story_when_it_was_denied_then_no_order_is_told_of(desk: Desk) -> None:
    desk.account(balances={"USDT": 0})
    execution = desk.trade()
    found = titles(execution.id)
    assert "Denied" in found
    assert not [title for title in found if "order was sent" in title]
    assert desk.accepted() == 0


def test_story_when_told_then_times_never_go_back(desk: Desk) -> None:
    desk.account()
    execution = desk.trade(sl="58000")
    events = stories.story(db.session.get_one(Execution, execution.id))
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert events[-1].at - events[0].at < timedelta(minutes=1)


def test_story_when_an_owner_reads_it_then_other_peoples_addresses_are_not_in_it(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    key = desk.trade(sl="58000").id
    order_id = desk.order().id
    deciding.ask_again(order_id, actor=desk.admin)
    desk.later(2)
    desk.resolve_due()
    positions.move_stop(desk.position().id, "57000", actor=desk.admin)
    reader = make_user("owner@example.org")
    execution = db.session.get_one(Execution, key)
    told = [f"{event.title} {event.body}" for event in stories.story(execution, reader=reader)]
    assert not [line for line in told if "admin@example.org" in line]
    assert [line for line in told if "stop moved, by an administrator from 58000 to 57000" in line]
    own = [event.title for event in stories.story(execution, reader=desk.admin)]
    assert "Position: stop moved, by admin@example.org" in own
    assert "Order: asked again, by admin@example.org" in own


def test_story_when_a_later_signal_closed_the_position_then_names_it(desk: Desk) -> None:
    desk.account()
    opened = desk.trade(dedupe_key="alert 7").id
    closed = desk.trade(action="close").id
    found = titles(opened)
    in_order(found, "Bought ", f"A later signal closes it: execution #{closed}", "Sold ", "Closed")
    in_order(titles(closed), "Signal #2 came in", "Close order was sent")
    execution = db.session.get_one(Execution, opened)
    (first, *_) = stories.story(execution)
    assert "a repeat with the key 'alert 7' is the same signal" in first.body
    end_read()
