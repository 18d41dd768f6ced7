"""Users, tokens, plans, subscriptions: what may be changed, and what is shown once."""

import re

import sqlalchemy as sa
from flask import Flask
from flask_security import verify_password

from portal.db import db
from portal.models import ApiToken, AuditEntry, Plan, Subscription, User
from portal.services import tokens
from tests import world
from tests.visiting import Visitor, visit


def shown(text: str) -> str:
    found = re.search(r'<code class="once">([^<]+)</code>', text)
    assert found, "nothing was shown"
    return found.group(1)


def actions() -> list[str]:
    """What was done to people and tokens; that lists were taken away is told by other tests."""
    wanted = sa.select(AuditEntry.action).where(~AuditEntry.action.endswith(".exported"))
    return list(db.session.scalars(wanted.order_by(AuditEntry.id)))


def user(email: str) -> User:
    return db.session.scalars(sa.select(User).where(User.email == email)).one()


def test_user_when_created_then_the_password_is_shown_once_and_works(visitor: Visitor) -> None:
    data = {"email": "Carol@Example.org", "name": "Carol", "role": "trader", "active": "y"}
    offered = visitor.get("/admin/users/new/").text
    assert '<option selected value="trader">' in offered, "the smaller role is the one to begin with"
    response = visitor.post("/admin/users/new/", data)
    password = shown(response.text)
    carol = user("carol@example.org")
    assert verify_password(password, carol.password)
    assert [role.name for role in carol.roles] == ["trader"]
    assert carol.name == "Carol"
    for path in ("", f"details/?id={carol.id}", f"edit/?id={carol.id}", "export/csv/"):
        text = visitor.get(f"/admin/users/{path}").text
        assert password not in text
        assert str(carol.password) not in text
    assert actions() == ["portal.user.created", "portal.user.changed"]
    assert password not in str(list(db.session.scalars(sa.select(AuditEntry.data))))


def test_user_when_the_address_is_taken_or_wrong_then_nobody_is_made(visitor: Visitor, trader: User) -> None:
    for email, reason in (
        (trader.email, "with this address already"),
        ("nonsense", "is not an e-mail address"),
    ):
        assert (
            reason in visitor.post("/admin/users/new/", {"email": email, "role": "admin", "active": "y"}).text
        )
    assert world.count(User) == 2
    assert (
        "field-error" in visitor.post("/admin/users/new/", {"email": "x@example.org", "role": "owner"}).text
    )
    assert world.count(User) == 2


def test_user_when_extra_fields_are_sent_then_they_do_nothing(visitor: Visitor, trader: User) -> None:
    extra = {
        "is_admin": "1",
        "roles": "admin",
        "user_id": "1",
        "status": "x",
        "password": "x",
        "fs_uniquifier": "x",
    }
    before = (trader.password, trader.fs_uniquifier)
    data = {"email": trader.email, "role": "trader", "active": "y", **extra}
    assert visitor.post(f"/admin/users/edit/?id={trader.id}", data).status_code == 302
    alice = user("alice@example.org")
    assert not alice.is_admin
    assert (alice.password, alice.fs_uniquifier) == before


def test_admin_when_editing_themselves_then_cannot_lose_the_administration(
    visitor: Visitor, admin: User
) -> None:
    for data in ({"role": "trader", "active": "y"}, {"role": "admin"}):
        text = visitor.post(f"/admin/users/edit/?id={admin.id}", {"email": admin.email, **data}).text
        assert "Ask another one" in text
    assert user(admin.email).active
    assert user(admin.email).is_admin


def test_user_when_deactivated_then_every_session_ends_at_once(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    alice = visit(app, trader)
    assert alice.get("/change").status_code == 200
    visitor.post(f"/admin/users/edit/?id={trader.id}", {"email": trader.email, "role": "trader"})
    assert alice.get("/change").location.startswith("/login")
    # Switched on again, the old session stays dead.
    visitor.post(
        f"/admin/users/edit/?id={trader.id}", {"email": trader.email, "role": "trader", "active": "y"}
    )
    assert alice.get("/change").location.startswith("/login")


def test_new_password_when_given_then_is_shown_once_and_sessions_end(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    alice = visit(app, trader)
    password = shown(visitor.post(f"/admin/users/password/{trader.id}").text)
    assert verify_password(password, user(trader.email).password)
    assert alice.get("/change").location.startswith("/login")
    assert actions() == ["portal.user.password_changed"]


def test_second_factor_when_forgotten_then_is_off_and_audited_but_never_ones_own(
    visitor: Visitor, admin: User, trader: User
) -> None:
    visitor.post(f"/admin/users/forget-factor/{trader.id}")
    assert user(trader.email).tf_totp_secret is None
    assert visitor.post(f"/admin/users/forget-factor/{admin.id}").status_code == 403
    assert actions() == ["portal.user.second_factor_forgotten"]


def test_token_when_created_then_is_shown_once_and_works_until_revoked(
    visitor: Visitor, trader: User
) -> None:
    data = {"user_id": str(trader.id), "name": "alerts", "scopes": ["read", "signals:write"]}
    raw = shown(visitor.post("/admin/tokens/new/", data).text)
    token = tokens.authenticate(raw)
    assert token is not None
    assert token.user_id == trader.id
    for path in ("", "details/?id=1", "export/csv/"):
        text = visitor.get(f"/admin/tokens/{path}").text
        assert raw not in text
        assert token.token_hash not in text
    assert visitor.get("/admin/tokens/revoke/1").status_code == 405
    visitor.post("/admin/tokens/revoke/1")
    assert tokens.authenticate(raw) is None
    assert actions() == ["portal.token.created", "portal.token.revoked"]


def test_token_when_no_scope_is_chosen_then_none_is_made(visitor: Visitor, trader: User) -> None:
    assert "at least one is needed" in visitor.post("/admin/tokens/new/", {"user_id": str(trader.id)}).text
    assert world.count(ApiToken) == 0


def test_plan_when_created_changed_and_deleted_then_each_step_is_audited(visitor: Visitor) -> None:
    visitor.post("/admin/plans/new/", {"name": "Gold", "is_active": "y"})
    assert "Another plan has this name" in visitor.post("/admin/plans/new/", {"name": "Gold"}).text
    visitor.post("/admin/plans/edit/?id=1", {"name": "Gold", "description": "Majors"})
    plan = db.session.get_one(Plan, 1)
    assert (plan.description, plan.is_active) == ("Majors", False)
    visitor.post("/admin/plans/delete/", {"id": "1"})
    assert world.count(Plan) == 0
    assert actions() == ["portal.plan.created", "portal.plan.changed", "portal.plan.deleted"]


def test_plan_when_in_use_then_is_not_deleted(visitor: Visitor, trader: User) -> None:
    world.make_plan("Gold", trader)
    assert "is in use" in visitor.post("/admin/plans/delete/", {"id": "1"}, follow_redirects=True).text
    assert world.count(Plan) == 1
    assert world.count(Subscription) == 1
    assert actions() == []


def test_subscription_when_its_end_is_before_its_start_then_is_refused(
    visitor: Visitor, trader: User
) -> None:
    plan = world.make_plan("Gold")
    data = {
        "user_id": trader.id,
        "plan_id": plan.id,
        "starts_at": "2026-02-01T00:00",
        "ends_at": "2026-01-01T00:00",
    }
    assert "must be after the start" in visitor.post("/admin/subscriptions/new/", data).text
    assert world.count(Subscription) == 0
    assert visitor.post("/admin/subscriptions/new/", {**data, "ends_at": ""}).status_code == 302
    assert db.session.get_one(Subscription, 1).is_current
