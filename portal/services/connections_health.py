"""Testing connections: asks the exchange, then writes what it said. Workers only; no transaction is open
meanwhile."""

import logging
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, end_read, request_job, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError, HeldBackError
from portal.logs import scrub
from portal.models import ExecutionConnection
from portal.services import venues
from portal.services.connections_learning import learn
from portal.services.connections_policy import must_ask_about_key, why_refused
from portal.services.connections_progress import Step, Watch
from portal.services.connections_status import record_silence, record_success, stop
from portal.services.connections_warnings import warn_of_clock, warn_of_expiry
from portal.trading.orders import AccountFacts
from portal.trading.types import ConnectionStatus

logger = logging.getLogger(__name__)

#: A connection that somebody has just tested is left alone by the periodic check. Much shorter than its
#: five minutes, because those jobs are spread over four of them: a longer pause would skip every other turn.
JUST_TESTED = timedelta(minutes=1)
#: A periodic check forgives this many failures in a row that may pass by themselves.
PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What the exchange said: facts, or why there are none."""

    facts: AccountFacts | None = None
    reason: str = ""
    permanent: bool = True


def test_connection(connection_id: int) -> None:
    """Test a connection because somebody asked: any failure makes it `error`, success makes it `active`
    again. The key is asked about, whenever that was done last.

    Reads at the exchange, then commits once. May be repeated; a connection that is gone, or whose exchange
    must not be asked now, is left alone.
    """
    watch = Watch(connection_id)
    watch.note(Step.TAKEN)
    _examine(connection_id, patience=0, watch=watch)


def check_connection(connection_id: int) -> None:
    """The periodic test: as `test_connection`, but a failure that may pass by itself counts only when it
    lasts, and the key is asked about once a day."""
    _examine(connection_id, patience=PATIENCE, watch=Watch(None))


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


def _examine(connection_id: int, *, patience: int, watch: Watch) -> None:
    connection = db.session.get(ExecutionConnection, connection_id, populate_existing=True)
    if connection is None:
        end_read()
        return
    asked_with = connection.credentials
    try:
        thorough = patience == 0 or must_ask_about_key(connection, utcnow())
        answer = _ask(connection, watch, thorough=thorough)
    except HeldBackError as error:
        # We spared the exchange, which says nothing of the account; the next periodic check comes in minutes.
        watch.note(Step.HELD_BACK, error.message)
        logger.warning("connection %s was not checked: %s", connection_id, error.message)
        return
    with transaction() as session:
        row = session.get(
            ExecutionConnection, connection_id,
            with_for_update={"of": ExecutionConnection, "key_share": True}, populate_existing=True,
        )  # fmt: skip
        if row is None or row.credentials != asked_with:
            # Somebody replaced the key meanwhile, and asked for a test of the new one.
            return
        _write(row, answer, patience)
        end = (Step.FAILED, row.last_error) if row.last_error else (Step.WORKS, "")
    watch.note(*end)


def _write(row: ExecutionConnection, answer: Answer, patience: int) -> None:
    now = utcnow()
    row.last_tested_at = now
    if answer.facts is None:
        if answer.permanent:
            stop(row, answer.reason)
        else:
            record_silence(row, answer.reason, patience)
        return
    first = row.last_connected_at is None
    learn(row, answer.facts)
    if (refusal := why_refused(row)) is not None:
        stop(row, refusal)
    else:
        record_success(row, first=first)
    warn_of_expiry(row, now)
    warn_of_clock(row, now)


def _ask(connection: ExecutionConnection, watch: Watch, *, thorough: bool) -> Answer:
    if venues.needs_credentials(connection) and not connection.has_credentials():
        end_read()
        return Answer(reason="No credentials are stored. Enter the API key and its secret.")
    try:
        with venues.exchange_for(connection) as exchange:
            watch.note(Step.KEY_READ)
            facts = _account_facts(exchange, thorough=thorough)
            watch.note(Step.ANSWERED, _said(facts))
            return Answer(facts=facts)
    except DecryptionError as error:
        return Answer(reason=f"{error.message}. Restore that key, or enter the credentials again.")
    except ExchangeError as error:
        if isinstance(error, HeldBackError) and error.code is ErrorCode.RATE_LIMITED:
            raise  # an exchange that does not answer is one, whoever found that out
        return Answer(reason=scrub(str(error)), permanent=error.permanent)


def _said(facts: AccountFacts) -> str:
    """In a few words, for the page that waits for them."""
    rights = {"trade": facts.can_trade, "withdraw": facts.can_withdraw}
    known = [
        f"the key may{'' if may else ' not'} {right}" for right, may in rights.items() if may is not None
    ]
    held = [balance for balance in facts.balances if balance.total > 0]
    known.append(f"{len(held)} {'currency is' if len(held) == 1 else 'currencies are'} held")
    return ", ".join(known)


def _account_facts(exchange: Exchange, *, thorough: bool) -> AccountFacts:
    try:
        return exchange.account_facts(thorough=thorough)
    except ExchangeError as error:
        if error.code is not ErrorCode.CLOCK_OUTSIDE_WINDOW:
            raise
    # The refusal made the adapter measure the venue's clock again.
    return exchange.account_facts(thorough=thorough)
