"""People: making them and changing their passwords. Logging in is Flask-Security's business."""

import re
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, transaction
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import ADMIN, TRADER, Role, User
from portal.services import audit, passwords

ROLES = {
    ADMIN: "Publishes signals, owns admin connections, sees everything but secrets.",
    TRADER: "Owns connections, presets and notification channels; sees only their own.",
}
_MAX_EMAIL = 254
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]\x00-\x1f]+@[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def create_user(
    email: str, role: str, password: str | None = None, *, actor: audit.Actor, insist: bool = False
) -> tuple[User, str | None]:
    """Make a user who can log in at once. Without a password one is generated and returned, this once.

    Commits. Raises ValidationError for a bad address, role or password, and ConflictError when the address is
    taken. `insist`: an operator at the command line may choose a weak password, of 8 characters at least.
    """
    address = normalise_email(email)
    if role not in ROLES:
        raise ValidationError({"role": f"must be one of {', '.join(ROLES)}, was {role!r}"})
    generated = None if password is not None else passwords.generate_password()
    hashed = hash_checked(password if password is not None else str(generated), address, insist=insist)
    with transaction():
        user = add_user(address, role, hashed, actor=actor)
    return user, generated


def add_user(address: str, role: str, hashed: str, *, actor: audit.Actor) -> User:
    """Write the row of a user; joins the caller's transaction. Raises ConflictError when the address is
    taken."""
    made = db.session.execute(
        insert(User)
        .values(email=address, password=hashed, active=True, fs_uniquifier=uuid.uuid4().hex)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(User.id)
    ).scalar_one_or_none()
    if made is None:
        raise ConflictError(f"There is a user {address} already; nothing was changed.")
    user = db.session.get_one(User, made)
    user.roles.append(_role(role))
    audit.record(actor, "portal.user.created", "user", user.id, email=address, role=role)
    return user


def set_password(user_id: int, password: str, *, actor: audit.Actor) -> None:
    """Replace the password and end every session; the second factor stays. Commits. Raises ValidationError
    and NotFoundError."""
    known = db.session.get(User, user_id)
    hashed = hash_checked(password, known.email if known is not None else "")
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


def hash_checked(password: str, email: str, *, insist: bool = False) -> str:
    """The hash of a password that is good enough. Raises ValidationError."""
    if insist:
        fault = passwords.length_fault(password, passwords.FLOOR)
        if fault:
            raise ValidationError({"password": fault})
    else:
        passwords.check_password(password, email)
    return passwords.hash_password(password)


def _role(name: str) -> Role:
    statement = insert(Role).values(name=name, description=ROLES[name])
    db.session.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
    return db.session.execute(sa.select(Role).where(Role.name == name)).scalar_one()
