"""Logins that go on: opened, recognised, seen, ended. The cookie's secret is stored as a hash only; never log
one."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.config import Settings
from portal.db import db, transaction, utcnow
from portal.errors import NotFoundError
from portal.models import User, UserSession
from portal.services import audit

#: How exact `last_seen_at` is; a write per request would cost more than the answer.
SEEN_EVERY = timedelta(minutes=1)
#: How long ended sessions are kept: so long an address counts as one the owner has used.
KEPT = timedelta(days=90)
_ADDRESS_LENGTH = 45
#: From the most particular to the most general: others contain the names of those below.
_BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox",
    "FxiOS": "Firefox", "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari", "curl": "curl",
}  # fmt: skip
_SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "CrOS": "ChromeOS",
    "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip


def open_session(user: User, address: str, agent: str) -> str:
    """Note a login of `user`; the secret for the cookie. Joins the caller's transaction, which must commit.
    Every call opens another session; old ended ones are forgotten on the way."""
    now = utcnow()
    db.session.execute(
        sa.delete(UserSession)
        .where(UserSession.user_id == user.id, UserSession.last_seen_at < now - KEPT)
        .execution_options(synchronize_session=False)
    )
    token = UserSession.generate()
    db.session.add(
        UserSession(
            user_id=user.id,
            token_hash=UserSession.hash(token),
            generation=user.fs_uniquifier,
            last_seen_at=now,
            address=address[:_ADDRESS_LENGTH],
            browser=browser_words(agent),
        )
    )
    return token


def recognise(token: object, user: User, settings: Settings) -> UserSession | None:
    """The session behind a cookie's secret, while it may be used by `user`. Reads only."""
    if not isinstance(token, str) or not token:
        return None
    found = db.session.scalar(sa.select(UserSession).where(UserSession.token_hash == UserSession.hash(token)))
    if found is None or found.user_id != user.id:
        return None
    return found if _is_alive(found, user, settings, utcnow()) else None


def note_seen(session_id: int) -> None:
    """Stamp `last_seen_at`, at most once a minute however many requests there are. Commits; may be repeated.
    An ended session stays as it is."""
    now = utcnow()
    stale = sa.and_(UserSession.last_seen_at < now - SEEN_EVERY, UserSession.ended_at.is_(None))
    free = sa.select(UserSession.id).where(UserSession.id == session_id, stale)
    with transaction() as session:
        session.execute(
            sa.update(UserSession)
            .where(UserSession.id.in_(free.with_for_update(skip_locked=True)))
            .values(last_seen_at=now, updated_at=UserSession.updated_at)
            .execution_options(synchronize_session=False)
        )


def is_due(session: UserSession) -> bool:
    """Whether `note_seen` would write."""
    return utcnow() - session.last_seen_at >= SEEN_EVERY


def live_sessions(user: User, settings: Settings) -> list[UserSession]:
    """What `user` is logged in with now, the one used last first."""
    found = db.session.scalars(
        sa.select(UserSession)
        .where(UserSession.user_id == user.id, UserSession.ended_at.is_(None))
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
    )
    now = utcnow()
    return [session for session in found if _is_alive(session, user, settings, now)]


def end_token(token: object) -> None:
    """End the session of a cookie, on logout. Commits; nothing happens when there is none."""
    if isinstance(token, str) and token:
        with transaction() as session:
            session.execute(_ending(UserSession.token_hash == UserSession.hash(token)))


def end_session(session_id: int, user: User, *, actor: audit.Actor) -> None:
    """End one session of `user`. Commits; a repeat changes nothing. Raises NotFoundError for one of somebody
    else."""
    with transaction() as session:
        found = session.get(UserSession, session_id, with_for_update={"of": UserSession})
        if found is None or found.user_id != user.id:
            raise NotFoundError(f"There is no session {session_id} of yours; nothing was ended.")
        if found.ended_at is None:
            found.ended_at = utcnow()
            audit.record(actor, "portal.session.ended", "user", user.id, session=session_id)


def end_sessions(user_id: int, *, keep: int | None = None, actor: audit.Actor) -> int:
    """End every session of a user but `keep`; how many were ended. Commits."""
    with transaction() as session:
        condition = sa.and_(UserSession.user_id == user_id, UserSession.id.is_distinct_from(keep))
        ended = len(session.scalars(_ending(condition).returning(UserSession.id)).all())
        if ended:
            audit.record(actor, "portal.session.others_ended", "user", user_id, sessions=ended)
    return ended


def has_used(email: str, address: str) -> bool:
    """Whether the owner of the account has logged in from `address` before."""
    query = (
        sa.select(UserSession.id)
        .join(User, User.id == UserSession.user_id)
        .where(User.email == email.strip().lower(), UserSession.address == address[:_ADDRESS_LENGTH])
    )
    return db.session.scalar(sa.select(query.exists())) or False


def browser_words(agent: str) -> str:
    """The browser in words, such as `Firefox on Linux`. Never the text itself, which anybody may write."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "Unknown browser")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), None)
    return f"{browser} on {system}" if system else browser


def _is_alive(found: UserSession, user: User, settings: Settings, now: datetime) -> bool:
    return (
        found.ended_at is None
        and found.generation == user.fs_uniquifier
        and now - found.last_seen_at < timedelta(minutes=settings.session_idle_minutes)
        and now - found.created_at < timedelta(hours=settings.session_max_hours)
    )


def _ending(condition: sa.ColumnElement[bool]) -> sa.Update:
    return (
        sa.update(UserSession)
        .where(condition, UserSession.ended_at.is_(None))
        .values(ended_at=utcnow())
        .execution_options(synchronize_session=False)
    )
