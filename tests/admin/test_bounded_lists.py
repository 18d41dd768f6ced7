"""Lists stay fast however much there is: what they ask the database is written down and judged. Big tables
are never counted and never read from end to end."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bench.page_rows import Size, fill
from portal.db import db
from portal.models import User
from tests import world
from tests.admin.test_access import rules
from tests.visiting import Visitor, visit

#: They grow with every trade, for ever, and are big here.
BIG = (
    "execution_logs", "executions", "execution_positions", "orders", "notifications", "execution_analytics",
)  # fmt: skip
#: They grow, too.
NEVER_COUNTED = (*BIG, "fills", "audit_entries", "signals")
#: More than that for a list would be one question per row.
MOST_STATEMENTS = 30
#: Enough that PostgreSQL prefers an index to reading everything.
SIZE = Size(accounts=20, executions=4000, logs=20_000, notifications=4000, opened=20)
OWNERS_LISTS = ("/", "/executions", "/executions?before=300", "/positions", "/notifications", "/connections")


Asked = list[tuple[str, Any]]


@contextmanager
def questions() -> Iterator[Asked]:
    """What the database is asked meanwhile."""
    heard: Asked = []

    def note(_link: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        heard.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    yield heard
    sa.event.remove(db.engine, "before_cursor_execute", note)


def whole_counts(asked: Asked) -> list[str]:
    """Counts of big tables without any condition."""
    return [
        statement
        for statement, _ in asked
        if re.search(r"\bcount\(", statement) and " WHERE " not in f" {' '.join(statement.split())} "
        and re.search(rf"\b({'|'.join(NEVER_COUNTED)})\b", statement)
    ]  # fmt: skip


def read_whole(asked: Asked) -> list[str]:
    """Big tables that PostgreSQL reads from end to end for these questions."""
    found = []
    for statement, parameters in asked:
        if statement.lstrip().upper().startswith("SELECT"):
            with db.engine.connect() as link:
                plan = link.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
            whole = re.findall(rf"Seq Scan on ({'|'.join(BIG)})\b", "\n".join(plan))
            found += [f"{table}: {' '.join(statement.split())[:300]}" for table in whole]
    return found


@pytest.fixture
def owner(app: Flask, admin: User) -> User:  # noqa: ARG001 - the application has the database
    made = world.make_user("alice@example.org")
    fill(SIZE, made)
    # Writing the nightly figures ended the session that knew these two.
    db.session.add_all([admin, made])
    return made


def test_every_list_when_tables_are_big_then_counts_none_of_them_and_reads_none_to_its_end(
    app: Flask, admin: User, owner: User
) -> None:
    trader = visit(app, owner)
    operator = visit(app, admin)
    pages: list[tuple[Visitor, str]] = [(trader, path) for path in OWNERS_LISTS]
    pages += [
        (operator, path)
        for method, path in rules(app)
        # Analytics add up a period by nature; it has a limit of its own, by time.
        if method == "GET" and path.endswith("/") and path.count("/") <= 3 and "report" not in path
    ]
    assert len(pages) > 25
    wrong = []
    for visitor, path in pages:
        with questions() as asked:
            assert visitor.get(path).status_code == 200, path
        if len(asked) > MOST_STATEMENTS:
            wrong.append(f"{path} asks {len(asked)} questions")
        wrong += [f"{path} counts {each}" for each in whole_counts(asked)]
        wrong += [f"{path} reads all of {each}" for each in read_whole(asked)]
    assert wrong == []
