"""Invitations: a link that lets one person set the first password of an account, once. Only its hash is
stored; never log one. Nothing is sent: whoever invites passes the link on."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.db import db, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import Invitation, User
from portal.services import audit, users

#: How long a link works.
LIFETIME = timedelta(hours=72)
_GONE = (
    "This invitation does not work any more: it was used, taken back, replaced by a newer one, or is older "
    "than 72 hours. Nothing was changed. Ask whoever sent it for a new one."
)


def invite(email: str, role: str, *, actor: User) -> tuple[Invitation, str]:
    """Make an invitation and return it with the secret of its link, this once. Earlier ones to the same
    address stop working.

    Commits. Raises ValidationError for a bad address or role, and ConflictError when the address has an
    account.
    """
    address = users.normalise_email(email)
    if role not in users.ROLES:
        raise ValidationError({"role": f"must be one of {', '.join(users.ROLES)}, was {role!r}"})
    raw = Invitation.generate()
    with transaction() as session:
        if session.scalar(sa.select(User.id).where(User.email == address)):
            raise ConflictError(f"There is a user {address} already; nobody was invited.")
        now = utcnow()
        session.execute(
            sa.update(Invitation)
            .where(Invitation.email == address, _open_at(now))
            .values(withdrawn_at=now)
            .execution_options(synchronize_session=False)
        )
        made = Invitation(
            email=address,
            role=role,
            token_hash=Invitation.hash(raw),
            invited_by_id=actor.id,
            expires_at=now + LIFETIME,
        )
        session.add(made)
        session.flush()
        audit.record(actor, "portal.invitation.made", "invitation", made.id, email=address, role=role)
    return made, raw


def find(raw: str) -> Invitation:
    """The invitation behind a link, while it works. Raises NotFoundError. Reads only."""
    found = db.session.scalar(sa.select(Invitation).where(_is_it(raw), _open_at(utcnow())))
    if found is None:
        raise NotFoundError(_GONE)
    return found


def accept(raw: str, password: str) -> User:
    """Make the account with this password. The link works no more.

    Commits. Raises NotFoundError for a link that does not work, ValidationError for a weak password, and
    ConflictError when the address has an account by now.
    """
    hashed = users.hash_checked(password, find(raw).email)
    with transaction() as session:
        found = session.scalar(
            sa.select(Invitation).where(_is_it(raw), _open_at(utcnow())).with_for_update(of=Invitation)
        )
        if found is None:
            raise NotFoundError(_GONE)
        user = users.add_user(found.email, found.role, hashed, actor=f"invitation {found.id}")
        found.accepted_at, found.user_id = utcnow(), user.id
        audit.record(user, "portal.invitation.accepted", "invitation", found.id)
    return user


def withdraw(invitation_id: int, *, actor: User) -> None:
    """Take an invitation back. Commits; a repeat changes nothing. Raises NotFoundError, and ConflictError
    when it was accepted."""
    with transaction() as session:
        found = session.get(Invitation, invitation_id, with_for_update={"of": Invitation})
        if found is None:
            raise NotFoundError(f"There is no invitation {invitation_id}; nothing was taken back.")
        if found.accepted_at is not None:
            raise ConflictError(f"{found.email} has accepted; deactivate the user instead.")
        if found.withdrawn_at is None:
            found.withdrawn_at = utcnow()
            audit.record(actor, "portal.invitation.withdrawn", "invitation", found.id)


def status(found: Invitation) -> str:
    """`accepted`, `withdrawn`, `expired` or `open`."""
    if found.accepted_at is not None:
        return "accepted"
    if found.withdrawn_at is not None:
        return "withdrawn"
    return "expired" if found.expires_at <= utcnow() else "open"


def _is_it(raw: str) -> sa.ColumnElement[bool]:
    return Invitation.token_hash == Invitation.hash(raw[:200])


def _open_at(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None), Invitation.expires_at > now
    )
