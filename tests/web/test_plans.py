"""People subscribe to open plans by themselves, and end their own subscriptions."""

import sqlalchemy as sa

from portal.db import db
from portal.models import AuditEntry, Execution, Plan, Subscription, User
from portal.services import signals
from tests import world
from tests.visiting import Visitor


def plan(name: str = "Gold", **values: bool) -> Plan:
    return world.save(Plan(name=name, **{"is_open": True, **values}))


def test_plan_when_subscribed_to_then_its_signals_reach_the_person_until_it_ends(
    visitor: Visitor, alice: User, admin: User
) -> None:
    gold = plan()
    world.make_connection(alice)
    assert "Subscribe to Gold" in visitor.get("/welcome").text
    assert visitor.post(f"/plans/{gold.id}/subscribe").headers["Location"] == "/plans"
    assert signals.publish(world.make_signal(admin, plans=[gold]).id, actor=admin) == 1
    made = db.session.scalars(sa.select(Subscription)).one()
    assert visitor.post(f"/plans/subscriptions/{made.id}/cancel").status_code == 302
    assert signals.publish(world.make_signal(admin, plans=[gold]).id, actor=admin) == 0
    assert world.count(Execution) == 1
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert {"portal.subscription.created", "portal.subscription.canceled"} <= set(actions)


def test_plan_when_clicked_twice_then_there_is_one_subscription(visitor: Visitor, alice: User) -> None:
    gold = plan()
    visitor.post(f"/plans/{gold.id}/subscribe")
    assert visitor.post(f"/plans/{gold.id}/subscribe").status_code == 409
    assert world.count(Subscription) == 1


def test_plan_when_not_open_or_closed_then_nobody_gets_in_by_themselves(
    visitor: Visitor, alice: User
) -> None:
    for each in (plan("Private", is_open=False), plan("Closed", is_active=False)):
        assert each.name not in visitor.get("/plans").text
        assert visitor.post(f"/plans/{each.id}/subscribe").status_code == 404
    assert world.count(Subscription) == 0


def test_s14_subscription_of_somebody_else_when_ended_then_is_not_found(visitor: Visitor, bob: User) -> None:
    world.make_plan("Gold", bob)
    theirs = db.session.scalars(sa.select(Subscription)).one()
    assert visitor.post(f"/plans/subscriptions/{theirs.id}/cancel").status_code == 404
    db.session.refresh(theirs)
    assert theirs.canceled_at is None
