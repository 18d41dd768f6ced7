"""A connection is deleted while signals are published: neither fails, and nothing is written for what is
gone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read
from portal.errors import ConflictError
from portal.models import Execution, ExecutionConnection, User
from portal.services import connections, signals
from tests.services.desk import Desk


@pytest.mark.parametrize("turn", range(5))
def test_connection_when_deleted_during_publications_disturbs_none_of_them(
    app: Flask, desk: Desk, turn: int
) -> None:
    ids = [desk.account(f"account {number}").id for number in range(6)]
    admin_id = desk.admin_id
    end_read()
    start = threading.Barrier(8)

    def publish(number: int) -> None:
        with app.app_context():
            author = db.session.get_one(User, admin_id)
            start.wait()
            terms = {"currency_pair": "BTC/USDT", "direction": "buy", "dedupe_key": f"{turn}-{number}"}
            signals.submit(terms, author=author, source="api", publish=True)

    def delete(key: int) -> bool:
        with app.app_context():
            start.wait()
            try:
                connections.delete(key, actor="test")
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        published = [pool.submit(publish, number) for number in range(4)]
        deleted = [pool.submit(delete, key) for key in ids[:4]]
        for each in published:
            each.result(timeout=30)
        gone = [each.result(timeout=30) for each in deleted]

    left = set(db.session.execute(sa.select(ExecutionConnection.id)).scalars())
    rows = db.session.execute(
        sa.select(Execution.connection_id, sa.func.count()).group_by("connection_id")
    ).all()
    assert left == set(ids) - {key for key, was in zip(ids, gone, strict=False) if was}
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(left, 4), (
        "each that stayed has every signal, and what went has none"
    )
