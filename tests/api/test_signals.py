"""POST /api/v1/signals: in once, out once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import Execution, Signal, User
from tests import world
from tests.api.conftest import Caller, MakeCaller

URL = "/api/v1/signals"


def test_signal_when_posted_is_published_to_every_eligible_connection(
    as_admin: Caller, admin: User, alice: User, bob: User, buy: dict[str, Any]
) -> None:
    house = world.make_connection(admin, "House")
    mine = world.make_connection(alice, "Alice's")
    world.make_connection(bob, "Bob's")
    world.make_plan("Gold", alice)

    answer = as_admin.post(URL, buy | {"plans": ["Gold"], "sl": "60000.10", "tp": ["70000", 71000.5]})

    assert (answer.status_code, answer.json) == (201, {"id": 1, "is_published": True, "executions": 2})
    reached = db.session.scalars(sa.select(Execution.connection_id).order_by(Execution.connection_id)).all()
    assert reached == [house.id, mine.id]
    assert db.session.get_one(Signal, 1).source == "api"


def test_signal_with_publish_false_stays_a_draft_and_reaches_nobody(
    as_admin: Caller, admin: User, buy: dict[str, Any]
) -> None:
    world.make_connection(admin)
    answer = as_admin.post(URL, buy | {"publish": False})
    assert (answer.status_code, answer.json) == (201, {"id": 1, "is_published": False, "executions": 0})
    assert world.count(Execution) == 0


def test_signal_when_its_key_comes_again_is_answered_with_the_first_one(
    as_admin: Caller, admin: User, buy: dict[str, Any]
) -> None:
    world.make_connection(admin)
    first = as_admin.post(URL, buy | {"dedupe_key": "k1", "open_price": "64000"})
    again = as_admin.post(URL, buy | {"dedupe_key": "k1", "open_price": "64000.0"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert (world.count(Signal), world.count(Execution)) == (1, 1)


def test_signal_when_its_key_comes_with_other_content_is_refused_and_nothing_is_stored(
    as_admin: Caller, buy: dict[str, Any]
) -> None:
    as_admin.post(URL, buy | {"dedupe_key": "k1"})
    answer = as_admin.post(URL, buy | {"dedupe_key": "k1", "direction": "sell"})
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["error"]["code"] == "conflict"
    assert world.count(Signal) == 1


def test_idempotency_key_header_works_like_the_dedupe_key(as_admin: Caller, buy: dict[str, Any]) -> None:
    header = {"Idempotency-Key": "k1"}
    first = as_admin.post(URL, buy, headers=header)
    again = as_admin.post(URL, buy | {"dedupe_key": "k1"})
    other = as_admin.post(URL, buy | {"dedupe_key": "k2"}, headers=header)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert other.json is not None
    assert list(other.json["error"]["fields"]) == ["dedupe_key"]
    assert world.count(Signal) == 1


def test_same_key_of_two_administrators_means_two_signals(
    calling: MakeCaller, admin: User, buy: dict[str, Any]
) -> None:
    other = world.make_admin("second@example.org")
    answers = [calling(user).post(URL, buy | {"dedupe_key": "k1"}) for user in (admin, other)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert world.count(Signal) == 2


def test_f01_same_signal_posted_twenty_times_at_once_is_one_signal(
    as_admin: Caller, admin: User, buy: dict[str, Any]
) -> None:
    world.make_connection(admin)
    db.session.remove()

    def post(_number: int) -> tuple[int, Any]:
        caller = Caller(as_admin.client.application.test_client(), as_admin.token)
        answer = caller.post(URL, buy | {"dedupe_key": "k1"})
        return answer.status_code, answer.json

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert {body["id"] for _, body in answers} == {1}
    assert (world.count(Signal), world.count(Execution)) == (1, 1)


def test_trader_may_not_publish_and_nothing_is_stored(as_alice: Caller, buy: dict[str, Any]) -> None:
    for body in (buy, buy | {"publish": False}):
        answer = as_alice.post(URL, body)
        assert answer.status_code == 403
        assert answer.json is not None
        assert "administrator" in answer.json["error"]["message"]
    assert world.count(Signal) == 0


def test_plans_may_be_named_or_numbered_and_an_unknown_one_is_refused(
    as_admin: Caller, buy: dict[str, Any]
) -> None:
    gold = world.make_plan("Gold")
    assert as_admin.post(URL, buy | {"plans": ["Gold", gold.id]}).status_code == 201
    answer = as_admin.post(URL, buy | {"plans": ["Gold", "Lead"]})
    assert answer.status_code == 422
    assert answer.json is not None
    assert "Lead" in answer.json["error"]["fields"]["plans"]
    assert world.count(Signal) == 1
