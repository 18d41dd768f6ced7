"""Key rotation: everything encrypted is encrypted again with the first key, in small locked batches, while
people and workers go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import load_only

from portal import crypto
from portal.crypto import DecryptionError
from portal.db import transaction
from portal.errors import PortalError
from portal.models import DataConnection, ExecutionConnection, NotificationChannel
from portal.services.rotation_seeds import rotate_seeds

#: Rows per transaction: a fraction of a second, so that nobody waits longer for a row.
BATCH = 500

#: Called with (rows done, of how many).
Progress = Callable[[int, int], None]
Encrypted = type[ExecutionConnection] | type[DataConnection] | type[NotificationChannel]
_ENCRYPTED: tuple[Encrypted, ...] = (ExecutionConnection, DataConnection, NotificationChannel)


@dataclass(frozen=True, slots=True)
class _Batch:
    last_id: int
    changed: int
    unreadable: set[str]


def rotate_keys(progress: Progress | None = None) -> int:
    """Encrypt every stored secret that is not under the first key again. Returns how many rows changed.

    Commits in batches; safe under load and to repeat, also after an interruption. Raises PortalError when
    rows could not be read; all the others are done by then.
    """
    total = sum(_count(model) for model in _ENCRYPTED)
    changed = rotate_seeds()
    unreadable: set[str] = set()
    for model in _ENCRYPTED:
        # Rows that somebody is changing are passed by at first, and waited for in the second turn.
        for wait in (False, True):
            last_id = 0
            while (batch := _rotate_batch(model, last_id, wait=wait)) is not None:
                last_id = batch.last_id
                changed += batch.changed
                unreadable |= batch.unreadable
                if progress is not None:
                    progress(changed, total)
    if unreadable:
        raise PortalError(_complaint(changed, sorted(unreadable)))
    return changed


def _rotate_batch(model: Encrypted, after_id: int, *, wait: bool) -> _Batch | None:
    query = (
        sa.select(model)
        .where(_stale(model), model.id > after_id)
        .order_by(model.id)
        .limit(BATCH)
        .options(load_only(model.uid, model.credentials))
        .with_for_update(of=model, skip_locked=not wait)
        .execution_options(populate_existing=True)
    )
    changed, unreadable = 0, set()
    with transaction() as session:
        rows = cast(
            "list[ExecutionConnection | DataConnection | NotificationChannel]",
            session.execute(query).scalars().all(),
        )
        for row in rows:
            try:
                changed += row.reencrypt()
            except DecryptionError:
                unreadable.add(f"{model.__tablename__} {row.id}")
        last_id = rows[-1].id if rows else 0
    return _Batch(last_id, changed, unreadable) if rows else None


def _stale(model: Encrypted) -> sa.ColumnElement[bool]:
    key_id = sa.func.split_part(model.credentials, ".", 2)
    return sa.and_(model.credentials.is_not(None), key_id != crypto.keyring().primary_id)


def _count(model: Encrypted) -> int:
    with transaction() as session:
        return session.execute(
            sa.select(sa.func.count()).select_from(model).where(_stale(model))
        ).scalar_one()


def _complaint(changed: int, unreadable: list[str]) -> str:
    return (
        f"{changed} rows were encrypted again; {len(unreadable)} could not be read and were left as "
        f"they are: {', '.join(unreadable[:10])}{' …' if len(unreadable) > 10 else ''}. "
        "Add the key they were encrypted with to PORTAL_CREDENTIAL_KEYS, or enter their credentials again."
    )
