"""The demo content: made once, also after an interruption."""

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from portal.db import db
from portal.models import ExecutionConnection, Plan, Signal, Subscription, TradingPreset, User
from portal.services import connections, demo, demo_content, signals, tokens
from tests.services.desk import Desk
from tests.world import count


def test_the_demo_has_what_a_first_visit_needs(desk: Desk) -> None:
    seeded = demo.seed(desk.sandbox, actor="test")

    assert seeded is not None
    assert set(seeded.passwords) == set(demo_content.PEOPLE)
    admin = db.session.scalars(sa.select(User).where(User.email == demo_content.ADMIN)).one()
    assert admin.is_admin
    assert PasswordHasher().verify(admin.password or "", seeded.passwords[demo_content.ADMIN])
    token = tokens.authenticate(seeded.token)
    assert token is not None
    assert token.user_id == admin.id
    assert count(ExecutionConnection) == seeded.connections == 12
    assert (count(Plan), count(Subscription), count(TradingPreset)) == (2, 3, 4)
    assert len(desk.sandbox.accounts()) == 12
    assert not db.session.get_one(Signal, seeded.draft_id).is_published
    assert signals.reach(seeded.draft_id) == 12


def test_every_practice_connection_passes_its_test(desk: Desk) -> None:
    demo.seed(desk.sandbox, actor="test")

    for number in db.session.scalars(sa.select(ExecutionConnection.id)).all():
        connections.test_connection(number)

    rows = db.session.scalars(sa.select(ExecutionConnection).execution_options(populate_existing=True)).all()
    assert [row.name for row in rows if not row.can_execute_trades()] == []


def test_a_second_time_makes_nothing_and_tells_no_secret(desk: Desk) -> None:
    demo.seed(desk.sandbox, actor="test")
    people = db.session.execute(sa.select(User.email, User.password)).all()

    assert demo.seed(desk.sandbox, actor="test") is None

    assert len(desk.sandbox.accounts()) == 12
    assert db.session.execute(sa.select(User.email, User.password)).all() == people


def test_an_interrupted_start_is_completed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(demo_content, "ACCOUNTS", (*demo_content.ACCOUNTS[:3], None))
        with pytest.raises(AttributeError):
            demo.seed(desk.sandbox, actor="test")
    assert count(ExecutionConnection) == 3

    seeded = demo.seed(desk.sandbox, actor="test")

    assert seeded is not None
    assert count(ExecutionConnection) == 12
    assert len(desk.sandbox.accounts()) == 12


def test_the_faulty_account_loses_answers_also_after_the_exchange_restarted(desk: Desk) -> None:
    demo.seed(desk.sandbox, actor="test")
    [fault] = desk.sandbox.faults()
    desk.sandbox.clear_faults()

    demo.seed(desk.sandbox, actor="test")
    demo.seed(desk.sandbox, actor="test")

    [again] = desk.sandbox.faults()
    assert (again["kind"], again["account"]) == ("accept_no_answer", fault["account"])
    owner = demo.practice_accounts()[fault["account"]]
    assert db.session.get_one(ExecutionConnection, owner).name == demo_content.FAULTY
