"""S1 and S2: how passwords are stored, and which ones nobody may choose."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from flask import Flask

from portal.db import db
from portal.errors import ValidationError
from portal.models import User
from portal.services import passwords, users
from tests import world
from tests.visiting import visit

GOOD = "correct horse battery"


def stored(user: User) -> str:
    db.session.expire_all()
    return str(db.session.get_one(User, user.id).password)


def test_s01_hash_when_stored_then_is_argon2id_at_the_recommended_cost(app: Flask) -> None:
    user, _ = users.create_user("alice@example.org", "trader", GOOD, actor="tests")
    made = extract_parameters(stored(user))
    assert stored(user).startswith("$argon2id$")
    least = RFC_9106_LOW_MEMORY
    assert (made.time_cost, made.memory_cost) >= (least.time_cost, least.memory_cost)
    assert made.parallelism == least.parallelism
    visitor = visit(app, user)
    new = "another good password"
    form = {"password": GOOD, "new_password": new, "new_password_confirm": new}
    assert visitor.post("/change", form).status_code == 302
    assert extract_parameters(stored(user)) == made


def test_s01_weak_hash_when_its_owner_logs_in_then_is_replaced(app: Flask) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(GOOD)
    user = world.make_user("alice@example.org", password=weak)
    assert visit(app).post("/login", {"email": user.email, "password": GOOD}).location == "/start"
    assert extract_parameters(stored(user)).memory_cost == RFC_9106_LOW_MEMORY.memory_cost


@pytest.mark.parametrize(
    "refused",
    [
        "eleven char", "x" * 129, "passwordpassword", "123456789012", "qwertyuiop123", "aaaaaaaaaaaaaaa",
        "iloveyou1234", "alice@example.org", "Portico-Admin", "alice.portico!", "trustno1trustno1",
    ],
)  # fmt: skip
def test_s02_password_when_short_or_common_or_ours_then_is_refused(app: Flask, refused: str) -> None:
    with pytest.raises(ValidationError) as error:
        users.create_user("alice@example.org", "trader", refused, actor="tests")
    assert set(error.value.errors) == {"password"}
    assert world.count(User) == 0
    user = world.make_user("alice@example.org", password=passwords.hash_password(GOOD))
    before = stored(user)
    form = {"password": GOOD, "new_password": refused, "new_password_confirm": refused}
    page = visit(app, user).post("/change", form)
    assert "field-error" in page.text
    assert stored(user) == before


@pytest.mark.parametrize("fine", ["twelve chars", "ein Satz mit Wörtern", "x7$Kq" * 25, "Грибы и ветер 7"])
def test_s02_password_when_long_enough_then_needs_no_special_kinds_of_characters(fine: str) -> None:
    passwords.check_password(fine, "alice@example.org")


def test_s02_generated_passwords_pass_their_own_rules() -> None:
    for _ in range(20):
        passwords.check_password(passwords.generate_password(), "alice@example.org")


def test_s02_operator_may_insist_but_not_below_eight(app: Flask) -> None:
    users.create_user("a@example.org", "admin", "password", actor="tests", insist=True)
    with pytest.raises(ValidationError):
        users.create_user("b@example.org", "admin", "passwor", actor="tests", insist=True)
    assert world.count(User) == 1


def test_s04_installation_when_fresh_then_has_nobody_who_could_log_in(app: Flask) -> None:
    assert world.count(User) == 0
    for email, password in (("admin@example.com", "admin"), ("admin@localhost", "password")):
        visitor = visit(app)
        visitor.post("/login", {"email": email, "password": password})
        assert visitor.get("/account").status_code == 302


def test_s06_new_password_when_given_by_an_administrator_then_the_second_factor_stays(app: Flask) -> None:
    user = world.make_user("alice@example.org", tf_primary_method="authenticator")
    users.set_password(user.id, GOOD, actor="tests")
    visitor = visit(app)
    with app.test_request_context():
        user.tf_totp_secret = app.extensions["security"].totp_factory.generate_totp_secret()
    db.session.commit()
    answer = visitor.post("/login", {"email": "alice@example.org", "password": GOOD})
    assert answer.location.startswith("/tf-validate")
    assert visitor.get("/account").status_code == 302
