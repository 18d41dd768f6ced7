"""Logins that failed, in the audit trail. Never with what was typed: people type passwords into the wrong
field."""

import sqlalchemy as sa

from portal.db import db, transaction
from portal.models import User
from portal.services import audit

ANONYMOUS = "anonymous"


def login_failed(account: str, address: str) -> None:
    """Write down that somebody at `address` was refused; names the account only if there is one. Commits. How
    often it may be called is the throttle's business."""
    user_id = db.session.scalar(sa.select(User.id).where(User.email == account.strip().lower()))
    with transaction():
        audit.record(ANONYMOUS, "portal.user.login_failed", "user", user_id, address=address)
