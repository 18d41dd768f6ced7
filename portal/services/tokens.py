"""API tokens: made, recognised, revoked. A token is shown once and stored as a hash; never log one."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from portal.db import db, transaction, utcnow
from portal.errors import NotFoundError, ValidationError
from portal.models import ApiToken, User
from portal.models.token import SCOPES
from portal.services import audit

#: How exact `last_used_at` is; a write per request would cost more than the answer.
USED_EVERY = timedelta(minutes=1)
_PREFIX_LENGTH = 10
_NAME_LIMIT = 100


def create_token(user: User, scopes: Iterable[str], name: str = "", *, actor: audit.Actor) -> str:
    """Make a token with `scopes` for `user` and return it; nobody can read it again.

    Commits. Raises ValidationError for unknown or missing scopes and NotFoundError when the user is gone or
    deactivated. Every call makes another token.
    """
    wanted = _check_scopes(scopes)
    if len(name) > _NAME_LIMIT:
        raise ValidationError({"name": f"is longer than {_NAME_LIMIT} characters"})
    raw = ApiToken.generate()
    with transaction() as session:
        owner = session.get(User, user.id)
        if owner is None or not owner.active:
            raise NotFoundError("There is no active user with this id; no token was made.")
        token = ApiToken(
            user_id=owner.id,
            name=name,
            scopes=wanted,
            token_hash=ApiToken.hash(raw),
            prefix=raw[:_PREFIX_LENGTH],
        )
        session.add(token)
        session.flush()
        audit.record(actor, "portal.token.created", "token", token.id, user_id=owner.id, scopes=wanted)
    return raw


def authenticate(raw: str) -> ApiToken | None:
    """The token behind `raw`, or None when it is unknown or revoked, or its user is deactivated.

    Found by its hash, so that the time it takes says nothing about stored tokens. Stamps `last_used_at` at
    most once a minute, in its own short transaction; may be repeated.
    """
    if not raw or len(raw) > 200 or not raw.isascii():
        return None
    token = db.session.execute(
        sa.select(ApiToken).where(ApiToken.token_hash == ApiToken.hash(raw), ApiToken.revoked_at.is_(None))
    ).scalar_one_or_none()
    if token is None or not token.user.active:
        return None
    now = utcnow()
    if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
        _stamp(token.id)
    return token


def revoke(token_id: int, *, actor: audit.Actor) -> None:
    """End a token for good. Commits; a repeat changes nothing. Raises NotFoundError."""
    with transaction() as session:
        token = session.get(ApiToken, token_id, with_for_update={"of": ApiToken})
        if token is None:
            raise NotFoundError(f"There is no API token {token_id}; nothing was revoked.")
        if token.revoked_at is None:
            token.revoked_at = utcnow()
            audit.record(actor, "portal.token.revoked", "token", token.id, user_id=token.user_id)


def _stamp(token_id: int) -> None:
    # One statement that checks again: parallel requests of one token write once, and nobody waits.
    now = utcnow()
    stale = sa.or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < now - USED_EVERY)
    free = sa.select(ApiToken.id).where(ApiToken.id == token_id, stale).with_for_update(skip_locked=True)
    with transaction() as session:
        session.execute(
            sa.update(ApiToken)
            .where(ApiToken.id.in_(free))
            .values(last_used_at=now, updated_at=ApiToken.updated_at)
            .execution_options(synchronize_session=False)
        )


def _check_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = [scope for scope in SCOPES if scope in set(scopes := list(scopes))]
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise ValidationError({"scopes": f"{', '.join(unknown)} is not known; known: {', '.join(SCOPES)}"})
    if not wanted:
        raise ValidationError({"scopes": f"at least one is needed; known: {', '.join(SCOPES)}"})
    return wanted
