"""Invitations: a link that works once, for 72 hours, and ends on the first-run guide."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.models import AuditEntry, ExecutionConnection, Invitation, TradingPreset, User, UserSession
from portal.services import invitations
from portal.web.key_guides import GUIDES, guide_for
from tests import world
from tests.people import PASSWORD
from tests.visiting import Visitor, visit


def invite(app: Flask, admin: User, email: str = "carol@example.org", role: str = "trader") -> str:
    """The path of the link that the administrator is shown."""
    page = visit(app, admin).post("/admin/invitations/new/", {"email": email, "role": role}).text
    found = re.search(r"http://localhost(/invitation/[\w-]{43})<", page)
    assert found, page
    return found[1]


def accept(visitor: Visitor, link: str, password: str = PASSWORD, again: str | None = None) -> int:
    page = visitor.get(link).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"password": password, "again": password if again is None else again}
    return visitor.post_bare(link, form | {"csrf_token": token[1] if token else ""}).status_code


def age(by: timedelta) -> None:
    db.session.execute(sa.text("UPDATE invitations SET expires_at = expires_at - :by"), {"by": by})
    db.session.commit()


def test_s04_invitation_when_accepted_then_its_owner_is_in_and_the_link_is_dead(
    app: Flask, admin: User
) -> None:
    link = invite(app, admin)
    row = db.session.scalars(sa.select(Invitation)).one()
    assert link.rpartition("/")[2] not in str(row.__dict__)
    guest = visit(app)
    assert accept(guest, link) == 302
    assert "First steps" in guest.get("/welcome").text
    made = db.session.scalars(sa.select(User).where(User.email == "carol@example.org")).one()
    assert [role.name for role in made.roles] == ["trader"]
    assert db.session.scalars(sa.select(UserSession.user_id).where(UserSession.user_id == made.id)).all()
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert {"portal.invitation.made", "portal.user.created", "portal.invitation.accepted"} <= set(actions)
    assert visit(app).get(link).status_code == 404
    assert visit(app).post("/login", {"email": made.email, "password": PASSWORD}).location == "/start"


def test_s06_invitation_when_older_than_72_hours_then_makes_nobody(app: Flask, admin: User) -> None:
    link = invite(app, admin)
    age(timedelta(hours=71))
    assert visit(app).get(link).status_code == 200
    age(timedelta(hours=2))
    assert visit(app).get(link).status_code == 404
    assert accept(visit(app), link) in (400, 404)
    assert world.count(User) == 1


def test_invitation_when_replaced_or_taken_back_then_does_not_work(app: Flask, admin: User) -> None:
    first, second = invite(app, admin), invite(app, admin)
    assert visit(app).get(first).status_code == 404
    assert visit(app).get(second).status_code == 200
    number = db.session.scalars(sa.select(sa.func.max(Invitation.id))).one()
    assert visit(app, admin).post(f"/admin/invitations/withdraw/{number}").status_code == 302
    assert visit(app).get(second).status_code == 404
    assert world.count(User) == 1


def test_invitation_when_the_address_has_an_account_then_is_not_made(app: Flask, admin: User) -> None:
    form = {"email": "ADMIN@example.org", "role": "trader"}
    assert "There is a user" in visit(app, admin).post("/admin/invitations/new/", form).text
    assert world.count(Invitation) == 0


def test_invitation_when_asked_for_by_a_trader_then_is_refused(app: Flask, admin: User) -> None:
    trader = world.make_user("alice@example.org")
    form = {"email": "carol@example.org", "role": "admin"}
    assert visit(app, trader).post("/admin/invitations/new/", form).status_code == 403
    assert world.count(Invitation) == 0


@pytest.mark.parametrize(
    ("password", "again"), [("short", "short"), ("carol@example.org", None), (PASSWORD, "no")]
)
def test_s02_invitation_when_the_password_is_bad_then_the_link_goes_on_working(
    app: Flask, admin: User, password: str, again: str | None
) -> None:
    link = invite(app, admin)
    assert accept(visit(app), link, password, again) == 422
    assert world.count(User) == 1
    assert accept(visit(app), link) == 302


def test_invitation_when_opened_by_somebody_who_is_logged_in_then_says_so(app: Flask, admin: User) -> None:
    link = invite(app, admin)
    page = visit(app, admin).get(link)
    assert page.status_code == 409
    assert "Log out" in page.text
    assert invitations.find(link.rpartition("/")[2]).accepted_at is None


def test_guide_when_an_exchange_is_chosen_then_says_what_to_allow_and_never_to_withdraw(app: Flask) -> None:
    visitor = visit(app, world.make_user("alice@example.org"))
    for name in sorted(set(GUIDES) - OWN_EXCHANGES):
        page = visitor.get(f"/welcome?exchange={name}").text
        guide = guide_for(name)
        assert all(right in page for right in ("Enter it here", guide.allow[0].split("&")[0]))
        assert "never:" in page
    practice = visitor.get("/welcome?exchange=sandbox").text
    assert "is opened for you" in practice
    assert "never:" not in practice
    assert set(GUIDES) <= known_exchanges()
    assert "Nobody has looked" in visitor.get("/welcome?exchange=bitvavo").text
    assert "Enter it here" not in visitor.get("/welcome?exchange=<script>").text


def test_guide_when_followed_then_ticks_off_its_steps(app: Flask) -> None:
    alice = world.make_user("alice@example.org")
    visitor = visit(app, alice)
    assert visitor.get("/welcome").text.count("to do</span>") == 3
    connection = world.make_connection(alice)
    preset = world.save(TradingPreset(name="Careful", owner_id=alice.id))
    theirs = world.save(TradingPreset(name="Theirs", owner_id=world.make_user("bob@example.org").id))
    for refused in (theirs.id, 999, "x", ""):
        assert visitor.post("/welcome/preset", {"preset": refused}).status_code == 404
    assert visitor.post("/welcome/preset", {"preset": preset.id}).location == "/welcome"
    assert db.session.get_one(ExecutionConnection, connection.id).preset_id == preset.id
    world.make_plan("Gold", alice)
    assert "to do</span>" not in visitor.get("/welcome").text
