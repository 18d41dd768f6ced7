"""People: making them and changing their passwords. Logging in is Flask-Security's business."""

import re
import secrets
import unicodedata
import uuid

import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, transaction
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import ADMIN, TRADER, Role, User
from portal.services import audit

ROLES = {
    ADMIN: "Publishes signals, owns admin connections, sees everything but secrets.",
    TRADER: "Owns connections, presets and notification channels; sees only their own.",
}
MIN_PASSWORD = 8
_MAX_PASSWORD = 128
_MAX_EMAIL = 254
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]\x00-\x1f]+@[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def create_user(
    email: str, role: str, password: str | None = None, *, actor: audit.Actor
) -> tuple[User, str | None]:
    """Make a user who can log in at once. Without a password one is generated and returned, this once.

    Commits. Raises ValidationError for a bad address, role or password, and ConflictError when the address is
    taken.
    """
    address = normalise_email(email)
    if role not in ROLES:
        raise ValidationError({"role": f"must be one of {', '.join(ROLES)}, was {role!r}"})
    generated = None if password is not None else generate_password()
    hashed = _hash(password if password is not None else str(generated))
    with transaction() as session:
        made = session.execute(
            insert(User)
            .values(email=address, password=hashed, active=True, fs_uniquifier=uuid.uuid4().hex)
            .on_conflict_do_nothing(index_elements=["email"])
            .returning(User.id)
        ).scalar_one_or_none()
        if made is None:
            raise ConflictError(f"There is a user {address} already; nothing was changed.")
        user = session.get_one(User, made)
        user.roles.append(_role(role))
        audit.record(actor, "portal.user.created", "user", user.id, email=address, role=role)
    return user, generated


def set_password(user_id: int, password: str, *, actor: audit.Actor) -> None:
    """Replace the password and end every session. Commits. Raises ValidationError and NotFoundError."""
    hashed = _hash(password)
    with transaction() as session:
        user = session.get(User, user_id, with_for_update={"of": User})
        if user is None:
            raise NotFoundError(f"There is no user {user_id}; no password was changed.")
        user.password = hashed
        user.fs_uniquifier = uuid.uuid4().hex
        audit.record(actor, "portal.user.password_changed", "user", user.id)


def find_user(email: str) -> User:
    """The user with this address, in any spelling of upper and lower case. Raises NotFoundError."""
    user = db.session.execute(sa.select(User).where(User.email == email.strip().lower())).scalar_one_or_none()
    if user is None:
        raise NotFoundError(f"There is no user {email.strip()}. `portal create-user` makes one.")
    return user


def normalise_email(email: str) -> str:
    """The address as it is stored: trimmed, lower case. Raises ValidationError when it cannot be one.

    Local names such as `admin@localhost` are fine: nothing is ever delivered to find out.
    """
    address = email.strip().lower()
    if len(address) > _MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise ValidationError({"email": "is not an e-mail address such as name@example.com"})
    return address


def generate_password() -> str:
    return secrets.token_urlsafe(15)


def _hash(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
        raise ValidationError({"password": f"must have {MIN_PASSWORD} to {_MAX_PASSWORD} characters"})
    # As Flask-Security normalises and hashes, so that its login form accepts the result.
    return PasswordHasher().hash(unicodedata.normalize("NFKD", password))


def _role(name: str) -> Role:
    statement = insert(Role).values(name=name, description=ROLES[name])
    db.session.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
    return db.session.execute(sa.select(Role).where(Role.name == name)).scalar_one()
