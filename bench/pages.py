"""What pages cost with years of rows behind them, beside the same pages of an almost empty database: the
application's own time, without a network, one visitor."""

import contextvars
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from bench.figures import Result, percentile
from bench.page_rows import Size, fill
from portal import embedded
from portal.config import Settings
from portal.db import db
from portal.models import ADMIN, TRADER, Execution, ExecutionConnection, ExecutionPosition, Signal, User
from portal.served import served_app
from portal.services import sessions
from portal.services.users import create_user
from portal.web.security_sessions import SESSION_KEY

BASELINE = "the same page with 300 log lines, 100 executions and 20 accounts in the database"
#: Milliseconds that 95 of 100 answers may take.
AIM = 200
SMALL = Size(accounts=20, executions=100, logs=300, notifications=50, opened=5)
QUICK = Size(accounts=100, executions=10_000, logs=100_000, notifications=10_000)

ADMIN_PAGES = (
    "/admin/", "/admin/signals/", "/admin/signals/details/?id={signal}", "/admin/executions/",
    "/admin/executions/?page=100", "/admin/executions/details/?id={execution}", "/admin/positions/",
    "/admin/positions/?flt0_0=open", "/admin/positions/details/?id={position}", "/admin/unresolved/",
    "/admin/connections/", "/admin/connections/details/?id={account}", "/admin/users/", "/admin/logs/",
    "/admin/logs/?before=500000", "/admin/logs/?connection_id={account}",
    "/admin/logs/?execution_id={execution}", "/admin/logs/?event=placed", "/admin/logs/?level=error",
    "/admin/notifications/", "/admin/analytics/", "/admin/report/?days=7",
    "/admin/report/?days=30", "/admin/report/?days=90", "/admin/report/?days=365",
    "/admin/report/?days=30&by=preset", "/admin/report/?days=30&by=symbol",
    "/admin/report/?days=30&by=source",
    "/admin/report/?days=365&by=preset", "/admin/report/?days=365&by=symbol",
    "/admin/report/?days=365&by=source", "/admin/audit/", "/admin/jobs/", "/admin/settings/",
)  # fmt: skip
TRADER_PAGES = (
    "/", "/executions", "/executions?before=50000", "/executions/{execution}", "/positions",
    "/positions/{position}", "/connections", "/connections/{account}", "/analytics",
    "/analytics?days=365&by=source", "/notifications",
)  # fmt: skip


def run(count: int, size: Size | None = None) -> list[Result]:
    """Milliseconds per answer, `count` of each page."""
    big = size or Size()
    with _portal() as app:
        small = _all(app, SMALL, count)
    with _portal() as app:
        found = _all(app, big, count)
    result = Result(
        f"Pages ({big.logs:,} log lines, {big.executions:,} executions, {big.accounts} accounts;"
        f" {count} answers each)",
        BASELINE,
    )
    for page, times in found.items():
        result.add(f"{page}: p50", percentile(times, 0.5), "ms", percentile(small[page], 0.5))
        # Without its baseline the aim is one of milliseconds.
        result.add(f"{page}: p95", percentile(times, 0.95), "ms", aim=AIM)
    slow = [page for page, times in found.items() if percentile(times, 0.95) > AIM]
    result.notes.append(f"{len(found) - len(slow)} of {len(found)} pages answer within {AIM} ms (p95).")
    return [result]


@contextmanager
def _portal() -> Iterator[Flask]:
    """An application with an empty database and Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="portico-bench-", ignore_cleanup_errors=True) as folder:
        given = Settings(data_dir=embedded.make_data_dir(Path(folder) / "var"), log_level="WARNING")
        with embedded.hold(given, durable=False) as services:
            app = served_app(services.settings)
            with app.app_context():
                upgrade()
                yield app
                db.session.remove()
                db.engine.dispose()


def _all(app: Flask, size: Size, count: int) -> dict[str, list[float]]:
    admin = create_user("admin@example.com", ADMIN, actor="bench")[0]
    trader = create_user("trader@example.com", TRADER, actor="bench")[0]
    trader_id = trader.id
    visitors = {ADMIN_PAGES: _visitor(app, admin), TRADER_PAGES: _visitor(app, trader)}
    fill(size, trader)
    rows = _newest(trader_id)
    return {
        page: _times(visitor, page.format(**rows), count)
        for pages, visitor in visitors.items()
        for page in pages
    }


def _newest(owner_id: int) -> dict[str, int]:
    """Rows of the trader, whose pages are looked at."""
    newest = {
        "execution": sa.select(sa.func.max(Execution.id)).where(Execution.owner_id == owner_id),
        "position": sa.select(sa.func.max(ExecutionPosition.id)).where(
            ExecutionPosition.owner_id == owner_id
        ),
        "account": sa.select(sa.func.max(ExecutionConnection.id)).where(
            ExecutionConnection.user_id == owner_id
        ),
        "signal": sa.select(sa.func.max(Signal.id)),
    }
    found = {name: db.session.execute(query).scalar_one() for name, query in newest.items()}
    db.session.remove()
    return found


def _visitor(app: Flask, user: User) -> FlaskClient:
    client = app.test_client()
    token = sessions.open_session(user, "127.0.0.1", "bench")
    identity = user.fs_uniquifier
    db.session.commit()
    with client.session_transaction() as session:
        session |= {SESSION_KEY: token, "_user_id": identity, "_fresh": True, "fs_paa": time.time()}
    return client


def _times(visitor: FlaskClient, page: str, count: int) -> list[float]:
    """Milliseconds of `count` answers after two that warm up."""
    took = []
    for _ in range(count + 2):
        began = time.perf_counter()
        # Outside the context of this process, as on a server: nothing on `g` is shared.
        answer = contextvars.Context().run(visitor.get, page)
        took.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{page} was answered with {answer.status_code}")
    return took[2:]
