"""One connection from top to bottom: what rests is followed, what is held is compared."""

import logging
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, end_read, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import RESTING, ExecutionConnection, Order
from portal.services import resolution, venues
from portal.services.reconciliation import cycle, foreign, our_side
from portal.services.reconciliation.cycle import Result
from portal.services.traffic_lanes import Purpose
from portal.trading.types import MarketType

logger = logging.getLogger(__name__)


def sync_connection(connection_id: int) -> int:
    """Ask the venue about every resting order of one connection now, then compare what is held. Returns how
    many orders were asked about. Owns its transactions; may be repeated."""
    asked = _follow(connection_id)
    result = reconcile(connection_id)
    if result is not None and result.failed:
        logger.info("connection %s was not compared wholly: %s", connection_id, "; ".join(result.failed))
    return asked


def follow_and_compare(connection_id: int) -> Result | None:
    """As `sync_connection`; returns what was found, None when there is no such connection."""
    _follow(connection_id)
    return reconcile(connection_id)


def reconcile(connection_id: int) -> Result | None:
    """Compare one connection with its venue; settle what two looks confirm. None when there is none.

    Owns its transactions; may be repeated, also at the same time. Raises nothing that a venue can cause."""
    connection = db.session.get(ExecutionConnection, connection_id, populate_existing=True)
    if connection is None:
        end_read()
        return None
    kinds = usual_kinds(connection)
    _ = connection.data_connection
    result = Result(connection.id, connection.name)
    if _passes_empty(connection, kinds):
        return result
    try:
        with venues.exchange_for(connection, Purpose.ROUTINE) as exchange:
            compare(connection, exchange, result, *kinds)
    except ExchangeError as error:
        result.failed.append(error.message)
    except DecryptionError as error:
        result.failed.append(str(error))
    return result


def compare(
    connection: ExecutionConnection, exchange: Exchange, result: Result, *kinds: MarketType
) -> ExchangeError | None:
    """One cycle over an exchange that the caller has open, with the markets of `kinds` whether the books
    have any or not. Returns the error of the first read that failed: then the connection counts as compared
    as little as before. Owns its transactions; may be repeated."""
    if _passes_empty(connection, kinds):
        return None
    also = foreign.symbols_with_orders(connection.id)
    seen = cycle.look(connection.id, exchange, kinds, also)
    result.failed += seen.theirs.failed
    result.unable += seen.theirs.unable
    if not seen.theirs.failed:
        _mark(connection, {*seen.theirs.covered, *kinds}, result.unable)
    cycle.shortages(connection, exchange, seen, result)
    try:
        foreign.record(connection, exchange, seen, result)
    except ExchangeError as error:
        logger.info("connection %s: what is not ours was not listed (%s)", connection.id, error.code)
    return seen.theirs.error


def _mark(connection: ExecutionConnection, kinds: Collection[MarketType], unable: Sequence[str]) -> None:
    """Compared, unless the comparison was called for anew meanwhile."""
    known = connection.reconciled_markets if connection.reconciled_at is not None else []
    markets = sorted({*known, *(kind.value for kind in kinds)})
    note = f"This exchange cannot list {' and '.join(sorted(set(unable)))}." if unable else ""
    now = utcnow()
    with transaction() as session:
        session.execute(
            sa.update(ExecutionConnection)
            .where(
                ExecutionConnection.id == connection.id,
                ExecutionConnection.reconciled_at.is_not_distinct_from(connection.reconciled_at),
            )
            .values(
                reconciled_at=now,
                reconciled_markets=markets,
                reconcile_note=note,
                updated_at=ExecutionConnection.updated_at,
            )
            .execution_options(synchronize_session=False)
        )


def _passes_empty(connection: ExecutionConnection, kinds: Collection[MarketType]) -> bool:
    """With nothing in the books and nothing foreign to look after there is nothing to ask for on spot."""
    if set(kinds) != {MarketType.SPOT}:
        return False
    ours, also = our_side.read(connection.id), foreign.symbols_with_orders(connection.id)
    end_read()
    if ours.symbols() or also:
        return False
    _mark(connection, kinds, ())
    return True


def usual_kinds(connection: ExecutionConnection) -> set[MarketType]:
    """Swaps where the account trades them; spot needs no read while the books are empty."""
    preset = connection.preset
    wanted = {preset.market_type} if preset is not None else set()
    return wanted | {MarketType(each) for each in connection.reconciled_markets} | {MarketType.SPOT}


def _follow(connection_id: int) -> int:
    with transaction() as session:
        session.execute(
            sa.update(Order)
            .where(Order.connection_id == connection_id, Order.state.in_(RESTING))
            .values(next_query_at=sa.func.now())
            .execution_options(synchronize_session=False)
        )
    due = resolution.due().where(Order.connection_id == connection_id)
    ids = list(db.session.execute(due).scalars())
    end_read()
    for order_id in ids:
        resolution.resolve(order_id)
    return len(ids)
