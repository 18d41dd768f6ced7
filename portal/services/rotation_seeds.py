"""Rotation of TOTP seeds: the same as `rotation.py` does for credentials, for the few rows of people."""

import sqlalchemy as sa

from portal import crypto
from portal.crypto import DecryptionError
from portal.db import transaction
from portal.errors import PortalError
from portal.models import User


def rotate_seeds() -> int:
    """Encrypt every TOTP seed that is not under the first key again. Returns how many.

    Commits each by itself; may be repeated. Raises PortalError when some could not be read; all the others
    are done by then. Seeds of the first release move under the credential keys at their next use, not here.
    """
    ours = User.totp_seed.like("v1.%") & ~User.totp_seed.like(f"v1.{crypto.keyring().primary_id}.%")
    with transaction() as session:
        waiting = session.scalars(sa.select(User.id).where(ours).order_by(User.id)).all()
    changed, unreadable = 0, []
    for user_id in waiting:
        with transaction() as session:
            user = session.get(User, user_id, with_for_update={"of": User}, populate_existing=True)
            try:
                changed += user is not None and user.reencrypt()
            except DecryptionError:
                unreadable.append(str(user_id))
    if unreadable:
        raise PortalError(
            f"{changed} second factors were encrypted again; those of the users {', '.join(unreadable)} "
            "could not be read and were left as they are. Add the key they were encrypted with to "
            "PORTAL_CREDENTIAL_KEYS, or forget their second factors in the administration."
        )
    return changed
