"""A connection is deleted while signals are published: neither fails, and nothing is written for what is
gone."""

from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.errors import ConflictError
from portal.models import Execution, ExecutionConnection, User
from portal.services import connections, signals
from tests.helpers import at_once
from tests.services.desk import Desk


@pytest.mark.parametrize("turn", range(5))
def test_connection_when_deleted_during_publications_disturbs_none_of_them(
    app: Flask, desk: Desk, turn: int
) -> None:
    ids = [desk.account(f"account {number}").id for number in range(6)]
    admin_id = desk.admin_id

    def publish(number: int) -> bool:
        author = db.session.get_one(User, admin_id)
        terms = {"currency_pair": "BTC/USDT", "direction": "buy", "dedupe_key": f"{turn}-{number}"}
        return signals.submit(terms, author=author, source="api", publish=True).created

    def delete(key: int) -> bool:
        try:
            connections.delete(key, actor="test")
        except ConflictError:
            return False
        return True

    publishing = [partial(publish, number) for number in range(4)]
    gone = at_once(app, [*publishing, *(partial(delete, key) for key in ids[:4])])[4:]

    left = set(db.session.execute(sa.select(ExecutionConnection.id)).scalars())
    rows = db.session.execute(
        sa.select(Execution.connection_id, sa.func.count()).group_by("connection_id")
    ).all()
    assert left == set(ids) - {key for key, was in zip(ids, gone, strict=False) if was}
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(left, 4), (
        "each that stayed has every signal, and what went has none"
    )
