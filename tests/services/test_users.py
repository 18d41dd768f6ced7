"""Making people and changing their passwords."""

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask

from portal.db import db
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import AuditEntry, Role, User
from portal.services import users
from tests.world import count

pytestmark = pytest.mark.usefixtures("app")


def test_a_user_without_a_password_gets_a_generated_one_that_fits_the_stored_hash() -> None:
    user, generated = users.create_user(" Alice@Example.COM ", "admin", actor="test")

    assert generated is not None
    assert user.email == "alice@example.com"
    assert user.is_admin
    assert PasswordHasher().verify(user.password or "", generated)
    assert db.session.scalars(sa.select(AuditEntry.action)).all() == ["portal.user.created"]


def test_a_given_password_is_used_and_not_given_back() -> None:
    user, generated = users.create_user("bob@example.com", "trader", "correct horse", actor="test")

    assert generated is None
    assert not user.is_admin
    assert PasswordHasher().verify(user.password or "", "correct horse")


def test_two_users_share_one_role_row() -> None:
    users.create_user("a@example.com", "trader", actor="test")
    users.create_user("b@example.com", "trader", actor="test")

    assert count(Role) == 1


def test_an_address_in_other_letters_is_taken_and_nothing_changes() -> None:
    first, _ = users.create_user("alice@example.com", "trader", actor="test")
    password = first.password

    with pytest.raises(ConflictError, match="already"):
        users.create_user("ALICE@example.com", "admin", actor="test")

    assert count(User) == 1
    assert count(AuditEntry) == 1
    assert db.session.get_one(User, 1).password == password
    assert not db.session.get_one(User, 1).is_admin


@pytest.mark.parametrize(
    "email",
    ["", "alice", "alice@", "@example.com", "a b@example.com", "a@b@c", "a@exa mple.com", "x" * 251 + "@a.b"],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(ValidationError) as refused:
        users.create_user(email, "trader", actor="test")

    assert set(refused.value.errors) == {"email"}
    assert count(User) == 0


@pytest.mark.parametrize(
    ("role", "password", "field"), [("root", "long enough", "role"), ("admin", "short", "password")]
)
def test_an_unknown_role_or_a_short_password_is_refused(role: str, password: str, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        users.create_user("alice@example.com", role, password, actor="test")

    assert set(refused.value.errors) == {field}
    assert count(User) == 0


def test_a_new_password_ends_every_session() -> None:
    user, _ = users.create_user("alice@example.com", "trader", actor="test")
    before = user.fs_uniquifier

    users.set_password(user.id, "another long one", actor=user)

    assert user.fs_uniquifier != before
    assert PasswordHasher().verify(user.password or "", "another long one")


def test_the_password_of_nobody_cannot_be_changed() -> None:
    with pytest.raises(NotFoundError):
        users.set_password(99, "long enough by far", actor="test")

    assert count(AuditEntry) == 0


def test_a_hash_of_ours_opens_the_login_form(app: Flask) -> None:
    from flask_security import Security, SQLAlchemyUserDatastore
    from flask_security.utils import verify_password

    security = Flask("login")
    security.config.update(SECRET_KEY="x" * 32, SECURITY_PASSWORD_SINGLE_HASH=["argon2"])
    Security(security, SQLAlchemyUserDatastore(db, User, Role))
    user, _ = users.create_user("alice@example.com", "trader", "Grüße ﬁn 8 alle", actor="test")
    stored = user.password

    with security.app_context():
        normalise = security.extensions["security"]._password_util.normalize
        assert verify_password(normalise("Grüße ﬁn 8 alle"), stored)
        assert not verify_password(normalise("Grüße"), stored)
