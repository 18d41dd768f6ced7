"""A person's own limits on a connection."""

import pytest
from flask import Flask

from portal.db import db
from portal.models import ExecutionConnection, User
from tests import world
from tests.visiting import Visitor


def stored(connection: ExecutionConnection) -> dict[str, object]:
    db.session.refresh(connection)
    return dict(connection.settings)


def test_limits_when_set_and_emptied_then_count_and_other_settings_stay(
    visitor: Visitor, alice: User
) -> None:
    connection = world.make_connection(alice, settings={"allow_foreign": True})
    path = f"/connections/{connection.id}/limits"
    assert (
        visitor.post(path, {"max_order_notional": "250.5", "max_daily_notional": "1000"}).status_code == 302
    )
    expected = {"allow_foreign": True, "max_order_notional": "250.5", "max_daily_notional": "1000"}
    assert stored(connection) == expected
    assert 'value="250.5"' in visitor.get(path).text
    assert visitor.post(path, {"max_order_notional": "250.5", "max_daily_notional": ""}).status_code == 302
    assert stored(connection) == {"allow_foreign": True, "max_order_notional": "250.5"}


@pytest.mark.parametrize("wrong", ["0", "-5", "much", "NaN", "<b>"])
def test_limits_when_no_number_then_are_refused_and_nothing_changes(
    visitor: Visitor, alice: User, wrong: str
) -> None:
    connection = world.make_connection(alice, settings={"max_order_notional": "100"})
    answer = visitor.post(f"/connections/{connection.id}/limits", {"max_order_notional": wrong})
    assert answer.status_code == 422
    assert "must be" in answer.text
    assert stored(connection) == {"max_order_notional": "100"}


def test_s14_limits_of_somebody_else_when_changed_then_are_not_found(
    app: Flask, visitor: Visitor, bob: User
) -> None:
    connection = world.make_connection(bob)
    path = f"/connections/{connection.id}/limits"
    assert visitor.get(path).status_code == 404
    assert visitor.post(path, {"max_order_notional": "1"}).status_code == 404
    assert "max_order_notional" not in stored(connection)


def test_limits_when_somebody_changed_them_meanwhile_then_nothing_is_overwritten(
    visitor: Visitor, alice: User
) -> None:
    connection = world.make_connection(alice)
    path = f"/connections/{connection.id}/limits"
    seen = visitor.get(path).text.partition('name="seen" value="')[2].partition('"')[0]
    assert visitor.post(path, {"max_order_notional": "5"}).status_code == 302
    assert visitor.post(path, {"max_order_notional": "500", "seen": seen}).status_code == 422
    assert stored(connection)["max_order_notional"] == "5"
