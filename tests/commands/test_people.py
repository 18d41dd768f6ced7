"""`create-user` and `create-token`."""

import sqlalchemy as sa
from argon2 import PasswordHasher

from portal.db import db
from portal.models import ApiToken, User
from portal.services import tokens
from tests.commands.conftest import Portal
from tests.world import count, make_user


def stored_password() -> str:
    db.session.rollback()
    return db.session.scalars(sa.select(User.password)).one() or ""


def test_a_user_without_a_password_gets_one_printed_once(portal: Portal) -> None:
    ran = portal("create-user", "Alice@example.com", "--role", "admin", "--json")

    assert ran.code == 0
    assert (ran.json["email"], ran.json["role"]) == ("alice@example.com", "admin")
    assert PasswordHasher().verify(stored_password(), ran.json["password"])


def test_a_password_from_standard_input_is_used_and_never_printed(portal: Portal) -> None:
    ran = portal(
        "create-user", "bob@example.com", "--role", "trader", "--password-stdin", stdin="correct horse\n"
    )

    assert ran.code == 0
    assert "correct horse" not in ran.stdout + ran.stderr
    assert PasswordHasher().verify(stored_password(), "correct horse")


def test_an_empty_or_short_password_makes_nobody(portal: Portal) -> None:
    for given in ("", "\n", "short\n"):
        ran = portal("create-user", "bob@example.com", "--role", "trader", "--password-stdin", stdin=given)
        assert (ran.code, ran.stdout) == (2, "")
        assert "8 to 128 characters" in ran.stderr
    assert count(User) == 0


def test_a_taken_address_fails_and_says_that_nothing_was_changed(portal: Portal) -> None:
    make_user("alice@example.com")

    ran = portal("create-user", "alice@example.com", "--role", "trader")

    assert (ran.code, ran.stdout) == (1, "")
    assert "nothing was changed" in ran.stderr
    assert count(User) == 1


def test_a_token_is_the_only_thing_on_standard_output(portal: Portal) -> None:
    make_user("alice@example.com")

    ran = portal("create-token", "ALICE@example.com", "--scopes", "signals:write, read")

    assert ran.code == 0
    found = tokens.authenticate(ran.stdout.removesuffix("\n"))
    assert found is not None
    assert found.scopes == ["signals:write", "read"]
    assert "shown once" in ran.stderr
    assert ran.stdout.strip() not in ran.stderr


def test_no_token_for_nobody_or_for_unknown_scopes(portal: Portal) -> None:
    nobody = portal("create-token", "alice@example.com", "--scopes", "read")
    make_user("alice@example.com")
    unknown = portal("create-token", "alice@example.com", "--scopes", "read,root")

    assert (nobody.code, nobody.stdout) == (1, "")
    assert (unknown.code, unknown.stdout) == (2, "")
    assert "root is not known" in unknown.stderr
    assert count(ApiToken) == 0
