"""Whoever is woken by an alarm reads what to do next."""

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.models import ExecutionPosition, Notification
from portal.services import books, recording
from portal.trading.types import NotificationType, OrderState
from tests.services.desk import Desk
from tests.services.test_review_recording import fill, only_intended, report


def alarms() -> list[tuple[str, str]]:
    end_read()
    wanted = sa.select(Notification.title, Notification.body).where(
        Notification.type == NotificationType.ERROR
    )
    return [(row.title, row.body) for row in db.session.execute(wanted.order_by(Notification.id))]


def test_alarm_about_fills_or_books_when_told_then_says_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    order = desk.order()
    symbol, filled = order.symbol, order.quantity * 2
    recording.record_report(order_id, report(order, OrderState.FILLED, filled), [fill(order, filled)])
    ((title, body),) = alarms()
    assert title == f"More was filled than ordered on {symbol}"
    base = symbol.partition("/")[0]
    assert body.startswith(f"{filled.normalize():f} was filled of an order for ")
    assert f" {base}. The books follow the exchange. Compare the position with the account there." in body

    with transaction() as session:
        session.execute(sa.update(ExecutionPosition).values(quantity=ExecutionPosition.quantity + 1))
    books.verify_books_nightly()
    title, body = alarms()[-1]
    assert title == "The books disagree in 2 places", "the order that was filled too much, and the position"
    assert "Nothing was changed. Reduce trading for these accounts" in body
    assert "portal verify-books" in body
