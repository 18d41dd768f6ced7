"""A canary in every field that takes a secret, then a search for it everywhere: pages, API, logs with all
of it verbose, what is printed, Redis, and every column of every table."""

import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ccxt
import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from portal import crypto
from portal.db import db, end_read
from portal.jobs.table import JOBS
from portal.logs import JsonFormatter, TextFormatter
from portal.models import ExecutionConnection, User
from portal.models.token import SCOPES
from portal.services import connections, reconciliation, rotation, tokens
from tests import world
from tests.security import tenants
from tests.security.routes import routes
from tests.security.test_changes import crawl
from tests.services.desk import Desk
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

CANARY = "kanarienvogel"
FAULTS = (
    ("close_before_accept", "*"), ("http_before", "*"), ("rate_limit", "*"), ("maintenance", "*"),
    ("clock_error", "*"), ("garbage_200", "order"), ("http_after", "order"), ("truncated_json", "order"),
)  # fmt: skip


@dataclass
class Evidence:
    """Where the canaries are looked for: places and what was said there."""

    secrets: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[str, str]] = field(default_factory=list)

    def add(self, place: str, said: object) -> None:
        self.heard.append((place, str(said)))

    def found(self) -> list[str]:
        return [
            f"{name} in {place}"
            for place, said in self.heard
            for name, secret in self.secrets.items()
            if secret in said
        ]


@pytest.fixture
def evidence(app: Flask, capsys: pytest.CaptureFixture[str]) -> Iterator[Evidence]:
    """Everything verbose: the root logger at DEBUG in both shapes, the libraries that are kept quiet too."""
    found = Evidence()
    written = {"text log": io.StringIO(), "JSON log": io.StringIO()}
    root = logging.getLogger()
    handlers = []
    for shape, stream in zip((TextFormatter(), JsonFormatter()), written.values(), strict=True):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(shape)
        handlers.append(handler)
        root.addHandler(handler)
    names = ("", "ccxt.base.exchange", "urllib3.connectionpool", "sqlalchemy.engine", "rq.worker", "werkzeug")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    verbose = ccxt.Exchange.verbose
    ccxt.Exchange.verbose = True
    yield found
    ccxt.Exchange.verbose = verbose
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)
    for place, stream in written.items():
        assert len(stream.getvalue()) > 10_000
        found.add(place, stream.getvalue())
    printed = capsys.readouterr()
    found.add("standard output", printed.out)
    # pytest's own handler writes what it captures there without our formatter; the application's is above.
    assert found.found() == []


def canaries(desk: Desk, name: str) -> dict[str, str]:
    """Keys that work at the practice exchange, and something in every other field."""
    keys = desk.sandbox.create_account(name).credentials
    others = ("password", "uid", "walletAddress", "privateKey")
    return keys | {each: f"{CANARY}-{name}-{each}" for each in others}


def connect(visitor: Visitor, name: str, secrets: dict[str, str]) -> int:
    data = {"name": name, "exchange_name": "sandbox", "mode": "paper", "preset": "", **secrets}
    assert visitor.post("/connections/new", data).status_code == 302
    wanted = sa.select(ExecutionConnection.id).where(ExecutionConnection.name == name)
    return db.session.scalars(wanted).one()


def redis_texts(redis: Redis) -> Iterator[str]:
    readers: dict[bytes, Any] = {
        b"string": redis.get, b"hash": redis.hgetall, b"set": redis.smembers,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": redis.xrange,
    }  # fmt: skip
    for key in redis.scan_iter():
        yield f"{key.decode()}: {readers[redis.type(key)](key)}"


def trade_and_fail(desk: Desk, app: Flask, ids: dict[str, int]) -> None:
    """Every way in which an exchange can answer or not, on accounts whose keys are canaries."""
    for key in ids.values():
        end_read()
        connections.test_connection(key)
    desk.publish()
    desk.run_all()
    desk.protect()
    for kind, endpoint in FAULTS:
        fault = desk.sandbox.add_fault(kind, endpoint)
        desk.publish()
        desk.run_all()
        for key in ids.values():
            end_read()
            connections.check_connection(key)
        desk.sandbox.remove_fault(fault)
        desk.later(30)
        desk.resolve_due()
        desk.sweep()
    desk.sandbox.update_account("alpha", enabled=False)
    for key in ids.values():
        end_read()
        connections.test_connection(key)
    desk.watch()
    for key in ids.values():
        end_read()
        reconciliation.sync_connection(key)
    before = app.extensions["portal_settings"].credential_keys
    crypto.init_keyring(app.extensions, (crypto.generate_key(), *before))
    try:
        end_read()
        rotation.rotate_keys()
        crypto.init_keyring(app.extensions, (crypto.generate_key(),))
        for key in ids.values():
            end_read()
            connections.test_connection(key)
        desk.publish()
        desk.run_all()
    finally:
        crypto.init_keyring(app.extensions, before)


def read_everything(app: Flask, evidence: Evidence, people: dict[str, User], ids: dict[str, int]) -> None:
    for name, user in people.items():
        visitor = visit(app, user)
        token = tokens.create_token(user, SCOPES, actor="tests")
        evidence.secrets[f"token of {name}"] = token
        paths = {route.path for route in routes(app, ids) if route.method == "GET"}
        paths |= {path for path, _ in crawl(visitor, "/admin/" if user.is_admin else "/", pages=120)}
        for path in sorted(paths):
            evidence.add(f"{path} for {name}", visitor.get(path).text)
            if path.startswith(("/api/", "/metrics")):
                answer = visitor.open(path, method="GET", headers={"Authorization": f"Bearer {token}"})
                evidence.add(f"{path} for {name}'s token", answer.text)


def test_s18_s21_s22_s23_secrets_appear_nowhere_whatever_happens(
    app: Flask, desk: Desk, evidence: Evidence, alice: User
) -> None:
    admin = desk.admin
    admin.name, alice.name = "admin", "alice"
    db.session.commit()
    owners = {"alpha": admin, "beta": alice}
    ids: dict[str, int] = {}
    for name, owner in owners.items():
        secrets = canaries(desk, name)
        evidence.secrets |= {f"{name}'s {key}": value for key, value in secrets.items()}
        ids[name] = connect(visit(app, owner), name, secrets)
    world.make_plan("Gold", alice)
    _give_wrong_secrets(app, evidence, admin, alice, ids)
    trade_and_fail(desk, app, ids)
    assert desk.accepted("alpha") > 0
    people = {user.name: user for user in db.session.scalars(sa.select(User))}
    rows = tenants.settle(people["alice"], people["admin"], "alice")
    read_everything(app, evidence, people, rows | {"connection_id": ids["beta"]})
    for table, stored in tenants.state().items():
        evidence.add(f"the table {table}", "\n".join(stored))
    said = list(redis_texts(app.extensions["portal_redis"]))
    assert any("rq:job:" in line for line in said)
    evidence.add("Redis", "\n".join(said))
    assert len(evidence.secrets) >= 16
    assert len(evidence.heard) > 200
    assert evidence.found() == []
    whole = "\n".join(text for _, text in evidence.heard)
    assert not re.search(r"signature=[0-9a-f]{32}", whole)


def _give_wrong_secrets(
    app: Flask, evidence: Evidence, admin: User, alice: User, ids: dict[str, int]
) -> None:
    """Secrets that are refused are secrets too."""
    wrong = {
        name: f"{CANARY}-wrong-{name}-x"
        for name in ("apiKey", "secret", "password", "uid", "walletAddress", "privateKey")
    }  # fmt: skip
    evidence.secrets |= {f"wrong {name}": value for name, value in wrong.items()}
    visitor = visit(app, alice)
    refused = {"name": "", "exchange_name": "nowhere", "mode": "paper", "preset": "999", **wrong}
    evidence.add("a refused form", visitor.post("/connections/new", refused).text)
    evidence.add(
        "an empty key",
        visitor.post(f"/connections/{ids['beta']}/credentials", {"secret": wrong["secret"]}).text,
    )
    fields = {f"credential_{name}": value for name, value in wrong.items()}
    evidence.add(
        "the admin's form", visit(app, admin).post("/admin/connections/new/", {"name": "", **fields}).text
    )
    password = f"{CANARY}-password-typed"
    evidence.secrets["typed password"] = password
    evidence.add("the login", visit(app).post("/login", {"email": alice.email, "password": password}).text)
    evidence.add("the change", visitor.post("/change", {"password": password, "new_password": password}).text)
    for path, headers in (
        (f"/hooks/tradingview/ptc_{CANARY}-token", {}),
        ("/api/v1/signals", {"Authorization": f"Bearer ptc_{CANARY}-token"}),
    ):
        body = {"currency_pair": "BTC/USDT", "secret": f"{CANARY}-in-the-body", f"{CANARY}-name": "x"}
        evidence.add(path[:7], visit(app).open(path, method="POST", json=body, headers=headers).text)
    evidence.secrets |= {"webhook token": f"ptc_{CANARY}-token", "webhook body": f"{CANARY}-in-the-body"}


def test_s22_job_when_queued_carries_row_ids_and_nothing_else(app: Flask, desk: Desk) -> None:
    from portal.jobs import queues

    for name in JOBS:
        queues.enqueue(name, 1)
    desk.account("alpha")
    desk.publish()
    redis = app.extensions["portal_redis"]
    records = [redis.hgetall(key) for key in redis.scan_iter("rq:job:*")]
    assert len(records) >= len(JOBS)
    for record in records:
        assert re.fullmatch(rb'\["portal\.jobs\.[\w.]+", null, \[(\d+(, \d+)*)?\], \{\}\]', record[b"data"])
        assert re.fullmatch(rb"\w+\((\d+(, \d+)*)?\)", record[b"description"])
        assert not {b"meta", b"exc_info"} & record.keys()


def test_s21_exchange_object_when_printed_or_represented_shows_no_secret(app: Flask, desk: Desk) -> None:
    from portal.services import venues

    connection = desk.account("alpha")
    secrets = [value for value in connection.get_credentials().values() if len(value) > 6]
    assert len(secrets) == 2
    with venues.exchange_for(connection) as exchange:
        exchange.instruments()
        shown = f"{exchange!r} {exchange!s} {connection!r} {connection!s} {connection.facts}"
    assert "Exchange" in shown
    assert not [secret for secret in secrets if secret in shown]
