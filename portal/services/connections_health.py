"""Testing connections: asks the exchange, then writes what it said. Workers only; no transaction is open
meanwhile."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, end_read, request_job, transaction, utcnow
from portal.exchanges.errors import ExchangeError
from portal.logs import scrub
from portal.models import ExecutionConnection
from portal.services import audit, notifications, venues
from portal.trading.orders import AccountFacts, Balance
from portal.trading.types import ConnectionStatus, NotificationType

logger = logging.getLogger(__name__)

#: A connection that somebody has just tested is left alone by the periodic check. Much shorter than its
#: five minutes, because those jobs are spread over four of them: a longer pause would skip every other turn.
JUST_TESTED = timedelta(minutes=1)
#: A periodic check forgives this many failures in a row that may pass by themselves.
PATIENCE = 2
_SETTLEMENT = ("USDT", "USDC", "USD", "EUR", "FDUSD", "BTC")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the exchange said: facts, or why there are none."""

    facts: AccountFacts | None = None
    reason: str = ""
    permanent: bool = True


def test_connection(connection_id: int) -> None:
    """Test a connection because somebody asked: any failure makes it `error`, success makes it `active`
    again.

    Reads at the exchange, then commits once. May be repeated; a connection that is gone is left alone.
    """
    _examine(connection_id, patience=0)


def check_connection(connection_id: int) -> None:
    """The periodic test: as `test_connection`, but a failure that may pass by itself counts only when it
    lasts."""
    _examine(connection_id, patience=PATIENCE)


def check_connections() -> int:
    """Ask for one `check_connection` per connection that is switched on and was not tested a moment ago.

    Returns how many. Commits; may be repeated.
    """
    tested = ExecutionConnection.last_tested_at
    with transaction() as session:
        due = session.execute(
            sa.select(ExecutionConnection.id)
            .where(
                ExecutionConnection.is_active,
                ExecutionConnection.status != ConnectionStatus.INACTIVE,
                sa.or_(tested.is_(None), tested < utcnow() - JUST_TESTED),
            )
            .order_by(ExecutionConnection.id)
        ).scalars()
        ids = list(due)
        for connection_id in ids:
            request_job("check_connection", connection_id)
    return len(ids)


def _examine(connection_id: int, *, patience: int) -> None:
    connection = db.session.get(ExecutionConnection, connection_id, populate_existing=True)
    if connection is None:
        end_read()
        return
    asked_with = connection.credentials
    answer = _ask(connection)
    with transaction() as session:
        row = session.get(
            ExecutionConnection, connection_id,
            with_for_update={"of": ExecutionConnection}, populate_existing=True,
        )  # fmt: skip
        if row is None or row.credentials != asked_with:
            # Somebody replaced the key meanwhile, and asked for a test of the new one.
            return
        row.last_tested_at = utcnow()
        if answer.facts is not None:
            _learn(row, answer.facts)
            _record_success(row)
        else:
            _record_failure(row, answer, patience)


def _ask(connection: ExecutionConnection) -> Answer:
    if venues.needs_credentials(connection) and not connection.has_credentials():
        end_read()
        return Answer(reason="No credentials are stored. Enter the API key and its secret.")
    try:
        with venues.exchange_for(connection) as exchange:
            facts = exchange.account_facts()
    except DecryptionError as error:
        return Answer(reason=f"{error.message}. Restore that key, or enter the credentials again.")
    except ExchangeError as error:
        return Answer(reason=scrub(str(error)), permanent=error.permanent)
    if facts.can_trade is False:
        return Answer(reason="The API key may not trade. Allow trading for it at the exchange.")
    return Answer(facts=facts)


def _learn(row: ExecutionConnection, facts: AccountFacts) -> None:
    row.facts = {
        "can_trade": facts.can_trade,
        "can_withdraw": facts.can_withdraw,
        "ip_restricted": facts.ip_restricted,
        "permissions": list(facts.permissions),
    }
    row.position_mode = facts.position_mode or row.position_mode
    row.margin_mode = facts.margin_mode or row.margin_mode
    row.key_expires_at = facts.key_expires_at
    row.clock_offset_ms = facts.clock_offset_ms
    row.last_balance = _main_balance(facts.balances) or row.last_balance
    row.update_last_connected()


def _main_balance(balances: tuple[Balance, ...]) -> dict[str, Any] | None:
    held = {balance.currency: balance for balance in balances if balance.total > 0}
    for currency in (*_SETTLEMENT, *held):
        if currency in held:
            return {
                "currency": currency,
                "free": format(held[currency].free, "f"),
                "total": format(held[currency].total, "f"),
            }
    return None


def _record_success(row: ExecutionConnection) -> None:
    if row.status is ConnectionStatus.INACTIVE or not row.is_active:
        row.last_error = None
        return
    recovered = row.status is ConnectionStatus.ERROR
    row.mark_as_active()
    if recovered:
        audit.record(audit.SYSTEM, "portal.connection.recovered", "connection", row.id)
        _tell(row, f"{row.name} works again", "New signals reach it from now on.")


def _record_failure(row: ExecutionConnection, answer: Answer, patience: int) -> None:
    failures = int(row.facts.get("failed_checks", 0)) + 1
    row.facts = {**row.facts, "failed_checks": failures}
    if not answer.permanent and failures <= patience:
        logger.warning("connection %s did not answer (%s of %s)", row.id, failures, patience)
        return
    if not row.is_active or row.status is ConnectionStatus.INACTIVE:
        row.last_error = answer.reason
        return
    already = row.status is ConnectionStatus.ERROR
    row.mark_as_error(answer.reason)
    if not already:
        audit.record(audit.SYSTEM, "portal.connection.failed", "connection", row.id, reason=answer.reason)
        _tell(row, f"{row.name} does not work", f"{answer.reason} New signals pass it by until it works.")


def _tell(row: ExecutionConnection, title: str, body: str) -> None:
    notifications.notify(NotificationType.CONNECTION, title, body, connection=row)
