"""Orders opened by hand on markets that Portico never traded are found where the exchange lists all of them
once: slowly, from the part of the budget that nobody needs, and without one read more per minute."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import current_app

from portal.db import end_read, transaction, utcnow
from portal.jobs import connections as jobs
from portal.models import ForeignHolding
from portal.services import reconciliation
from portal.services.reconciliation import everywhere
from portal.trading.types import ForeignKind, NotificationType
from tests.services.desk import Desk
from tests.services.protected import VENUES, by_hand, guarded
from tests.services.reconciled import connection_ids, cycle, notices
from tests.services.test_reconcile_foreign import foreign

SYMBOLS = {"spot": "LINK/USDT", "swap": "LINK/USDT:USDT"}


@pytest.fixture(autouse=True)
def _nobody_looked_yet(desk: Desk) -> None:
    redis = current_app.extensions["portal_redis"]
    for key in redis.scan_iter(everywhere._KEY.format("*")):
        redis.delete(key)


@pytest.mark.parametrize("venue", list(VENUES))
def test_order_by_hand_on_a_market_never_traded_is_listed_and_told_once_until_it_is_gone(
    desk: Desk, venue: str
) -> None:
    guarded(desk, venue, sl="45000")
    client, symbol = by_hand(desk, venue), SYMBOLS[VENUES[venue]]
    plain = client.create_order(symbol, "limit", "buy", 20, 10)
    stop = client.create_order(symbol, "market", "buy", 20, params={"stopPrice": 20}) if ":" in symbol else {}
    before, [account] = desk.accepted(), connection_ids()
    cycle(desk)
    assert foreign() == [], "nobody asks about that market"

    assert reconciliation.look_everywhere(account) is not None
    ids = {str(order["id"]) for order in (plain, stop) if order}
    assert {row.exchange_order_id for row in foreign()} == ids, "our own stop is not foreign"
    assert {(row.kind, row.symbol) for row in foreign()} == {(ForeignKind.ORDER, symbol)}
    assert reconciliation.look_everywhere(account) is None, "not again within the hour"
    cycle(desk)
    assert len(foreign()) == len(ids), "what was not asked for is not gone"
    assert reconciliation.look_everywhere(account, now=True) is not None
    assert len(notices(NotificationType.CONNECTION)) == 1

    for order in (plain, stop):
        if order:
            client.cancel_order(order["id"], symbol, {"trigger": order is stop})
    end_read()
    assert reconciliation.look_everywhere(account, now=True) == []
    assert (foreign(), len(foreign(there=False))) == ([], len(ids))
    assert desk.accepted() == before


def test_orders_by_hand_on_other_markets_cost_no_read_per_minute(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    client, [account] = by_hand(desk, "sandbox"), connection_ids()
    for symbol in (SYMBOLS["spot"], "DOT/USDT"):
        client.create_order(symbol, "limit", "buy", 20, 4)
    jobs.check_connection(account)
    assert len(foreign()) == 2, "the periodic test of the connection looks, too"
    client.create_order("ADA/USDT", "limit", "buy", 50, "0.4")
    jobs.check_connection(account)
    assert len(foreign()) == 2, "but not every five minutes"
    jobs.test_connection(account)
    assert len(foreign()) == 3, "whoever presses the button wants to know now"
    desk.sandbox.reset_requests()
    cycle(desk)
    assert "openOrders" not in desk.sandbox.requests()["by_endpoint"]
    assert reconciliation.sync_connections() == 0, "nothing of it is compared every minute"


def test_account_whose_orders_cannot_be_read_is_looked_at_with_the_next_turn(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    by_hand(desk, "sandbox").create_order(SYMBOLS["spot"], "limit", "buy", 20, 10)
    [account] = connection_ids()
    reconciliation.look_everywhere(account, now=True)
    desk.sandbox.add_fault("http_before", "openOrders", status=503)
    assert reconciliation.look_everywhere(account, now=True) is None
    assert len(foreign()) == 1, "a failed read is never an empty list"
    desk.sandbox.clear_faults()
    assert reconciliation.look_everywhere(account) is not None


def test_order_that_was_seen_since_the_list_was_read_is_not_gone(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    by_hand(desk, "sandbox").create_order(SYMBOLS["spot"], "limit", "buy", 20, 10)
    [account] = connection_ids()
    reconciliation.look_everywhere(account)
    end_read()
    with transaction() as session:
        later = utcnow() + timedelta(minutes=1)
        session.execute(sa.update(ForeignHolding).values(exchange_order_id="another", last_seen_at=later))
    reconciliation.look_everywhere(account, now=True)
    assert "another" in {row.exchange_order_id for row in foreign()}


def test_long_list_is_told_in_a_message_that_can_be_read(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    client, [account] = by_hand(desk, "sandbox"), connection_ids()
    for number in range(23):
        client.create_order(SYMBOLS["spot"], "limit", "buy", 2, 10 + number / 100)
    reconciliation.look_everywhere(account)
    (told,) = notices(NotificationType.CONNECTION)
    assert "and 3 more" in told.body
