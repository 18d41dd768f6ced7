"""A connection's page: the test that runs, what became of it before, and who changed its credentials."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, transaction, utcnow
from portal.models import AuditEntry, ExecutionConnection, User
from portal.services import audit, connections, connections_status
from portal.services.connections_progress import Step, Watch
from portal.web import progress_words
from portal.web.health_words import lasting
from tests import world
from tests.visiting import Visitor, visit, words

_KEYS = {"apiKey": "k" * 20, "secret": "s" * 20}


def add(owner: User, actor: User) -> ExecutionConnection:
    data = {"name": "Main", "exchange_name": "bybit", "mode": "live", "credentials": _KEYS}
    return connections.create(data, owner=owner, actor=actor)


def test_page_shows_a_test_step_by_step_until_it_is_over(app: Flask, visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    world.make_plan("Majors", alice)
    path = f"/connections/{connection.id}"
    assert "test-progress" not in visitor.get(path).text

    visitor.post(f"{path}/test")
    page = visitor.get(path).text
    assert 'data-refresh="2"' in page
    assert "No worker is running, so nobody tests it." in words(page)

    redis = app.extensions["portal_redis"]
    redis.sadd("rq:workers", "rq:worker:one")
    redis.hset("rq:worker:one", "last_heartbeat", (utcnow() - timedelta(minutes=2)).isoformat())
    assert "No worker is running" in visitor.see(path), "one that was killed is still registered"
    redis.hset("rq:worker:one", "last_heartbeat", utcnow().isoformat())
    assert "It waits for a worker." in visitor.see(path)
    watch = Watch(connection.id)
    watch.note(Step.TAKEN)
    watch.note(Step.KEY_READ)
    assert "It is being tested." in visitor.see(path)
    watch.note(Step.ANSWERED, "the key may trade")
    watch.note(Step.WORKS)
    page = visitor.get(path).text
    assert "data-refresh" not in page
    assert "later: the key may trade It works" in words(page)
    assert "It works, and takes part in the next signal." in words(page)

    visitor.post(f"{path}/test")
    watch.note(Step.TAKEN)
    watch.note(Step.FAILED, "AUTHENTICATION_FAILED: <b>no</b> such key")
    page = visitor.get(path).text
    assert "<b>no</b>" not in page
    assert "such key The exchange does not know this key" in words(page)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("NETWORK: refused", "Nothing to change"), ("PERMISSION_DENIED: x", "lacks a right"),
        ("The API key may not trade. Allow it.", ""),
    ],
)  # fmt: skip
def test_advice_says_what_to_change_where_the_reason_does_not(reason: str, said: str) -> None:
    assert said in progress_words.advice(reason)
    assert bool(said) == bool(progress_words.advice(reason))


def test_history_when_states_changed_then_lists_them_with_reason_and_duration(
    visitor: Visitor, alice: User
) -> None:
    connection = add(alice, alice)
    with transaction() as session:
        row = session.get_one(ExecutionConnection, connection.id)
        connections_status.stop(row, "<i>The key</i> was refused.")
        session.flush()
        connections_status.record_success(row)
    connections.update(connection.id, {"is_active": False}, actor=alice)
    connections.update(connection.id, {"name": "Renamed"}, actor=alice)
    page = visitor.get(f"/connections/{connection.id}").text
    assert "<i>The key" not in page
    shown = words(page)
    assert shown.index("switched off") < shown.index("healthy") < shown.index("<i>The key</i> was refused.")
    assert "until now" in shown
    assert "last changed by you" in shown


def test_history_when_it_is_long_then_goes_on_page_by_page(
    visitor: Visitor, alice: User, bob: User, app: Flask
) -> None:
    connection = world.make_connection(alice)
    for number in range(60):
        action = f"portal.connection.{'failed' if number % 2 else 'recovered'}"
        at = utcnow() - timedelta(minutes=60 - number)
        entry = AuditEntry(
            actor="system", action=action, object_type="connection", object_id=connection.id, at=at,
            data={"reason": f"reason {number};"},
        )  # fmt: skip
        db.session.add(entry)
        db.session.flush()
    audit.record("system", "portal.connection.failed", "connection", connection.id + 1, reason="of another")
    db.session.commit()
    path, seen = f"/connections/{connection.id}/health", []
    for _ in range(3):
        page = visitor.get(path).text
        seen += [number for number in range(60) if f"reason {number};" in page]
        assert page.count("1 min") >= 9
        assert "of another" not in page
        path = page.partition('href="/connections/')[2].partition("Older")[0].rpartition('href="')[2]
        path = path.partition('"')[0].replace("&amp;", "&")
    assert sorted(seen) == list(range(60))
    assert visit(app, bob).get(f"/connections/{connection.id}/health").status_code == 404


def test_panel_shows_test_history_and_who_changed_the_keys(app: Flask, admin: User, alice: User) -> None:
    connection = add(alice, admin)
    visitor = visit(app, admin)
    path = f"/admin/connections/details/?id={connection.id}"
    page = words(visitor.get(path).text)
    assert f"last changed by {admin.email}" in page
    assert "The connection was made." in page
    assert "Asked for" in page
    assert "The connection was made." in words(visitor.get(f"/admin/connections/health/{connection.id}").text)
    assert visitor.get("/admin/connections/health/999").status_code == 404
    owner = words(visit(app, alice).get(f"/connections/{connection.id}").text)
    assert "last changed by an administrator" in owner
    assert admin.email not in owner
    connections.set_credentials(connection.id, _KEYS, actor="command line")
    assert "last changed by command line" in words(visitor.get(path).text)
    assert db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id.desc())).first() == (
        "portal.connection.credentials_replaced"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (-3, "0 s")],
)
def test_duration_is_said_in_its_two_largest_units(seconds: int, said: str) -> None:
    assert lasting(seconds) == said


def test_page_of_a_connection_that_was_never_tested_says_that(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    with transaction() as session:
        row = session.get_one(ExecutionConnection, connection.id)
        row.last_tested_at = row.last_connected_at = row.last_used_at = None
    seen = visitor.see(f"/connections/{connection.id}")
    assert "Not tested yet. Run a test." in seen
    assert "Not heard of for a day" not in seen


def test_page_that_is_asked_for_while_a_test_ends_shows_what_the_test_found(
    visitor: Visitor, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = world.make_connection(alice)
    key = connection.id
    with transaction() as session:
        row = session.get_one(ExecutionConnection, key)
        row.last_tested_at = row.last_connected_at = row.last_used_at = None
    db.session.remove()

    def ends_now(row: ExecutionConnection) -> progress_words.Shown | None:
        with db.engine.begin() as link:
            link.execute(sa.update(ExecutionConnection).values(last_tested_at=utcnow()))
        watch = Watch(key)
        watch.note(Step.WORKS)
        return progress_words.last_test(row)

    monkeypatch.setattr("portal.web.connections.last_test", ends_now)
    assert "Not tested yet" not in visitor.see(f"/connections/{key}")
