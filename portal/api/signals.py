"""Signals in, and what became of them."""

from typing import Any

import sqlalchemy as sa
from flask import request

from portal.api.auth import caller, require_admin, scope
from portal.api.blueprints import api
from portal.api.bodies import read_json
from portal.api.paging import fetch_page, refuse_unknown
from portal.api.shapes import execution_json, signal_json
from portal.db import JsonDict, db
from portal.errors import ValidationError
from portal.models import Execution, Signal, User
from portal.services import signals
from portal.web.orders import summaries
from portal.web.scoping import one, visible_to


@api.post("/signals")
@scope("signals:write")
def submit_signal() -> tuple[JsonDict, int]:
    user = caller()
    require_admin(user, "publish signals")
    data = read_json()
    use_header_key(data, request.headers.get("Idempotency-Key"))
    return take(data, user, source="api")


@api.get("/signals/<row_id:signal_id>")
@scope("read")
def show_signal(signal_id: int) -> JsonDict:
    user = caller()
    signal = one(visible_to(user, Signal), Signal, signal_id)
    count = sa.select(sa.func.count()).select_from(_executions_of(user, signal_id).subquery())
    return signal_json(signal, executions=db.session.scalar(count) or 0, for_admin=user.is_admin)


@api.get("/signals/<row_id:signal_id>/executions")
@scope("read")
def list_executions(signal_id: int) -> JsonDict:
    refuse_unknown()
    user = caller()
    one(visible_to(user, Signal), Signal, signal_id)
    page = fetch_page(_executions_of(user, signal_id), Execution)
    orders = summaries([row.id for row in page.rows])
    return {"items": [execution_json(row, orders.get(row.id)) for row in page.rows], "next": page.next}


def take(data: dict[str, Any], author: User, *, source: str) -> tuple[JsonDict, int]:
    """Submit a signal and answer: 201 when it is new, 200 when it was here before. It is published unless it
    says otherwise. Raises what `services.signals.submit` raises."""
    publish = data.pop("publish", None)
    if not isinstance(publish, bool | None):
        raise ValidationError({"publish": "must be true or false"})
    submitted = signals.submit(data, author=author, source=source, publish=publish is not False)
    body = {
        "id": submitted.signal_id,
        "is_published": submitted.is_published,
        "executions": submitted.executions,
    }
    return body, 201 if submitted.created else 200


def use_header_key(data: dict[str, Any], key: str | None) -> None:
    """Take the `Idempotency-Key` header as the dedupe key. Raises ValidationError when the body names another
    one."""
    if key is None:
        return
    if data.get("dedupe_key") not in (None, key):  # a tuple, because anything may stand there
        raise ValidationError({"dedupe_key": "differs from the Idempotency-Key header; send one of them"})
    data["dedupe_key"] = key


def _executions_of(user: User, signal_id: int) -> sa.Select[Execution]:
    return visible_to(user, Execution).where(Execution.signal_id == signal_id)
