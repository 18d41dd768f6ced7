"""Which connections are compared this minute: what has something open, what was never compared, and now and
then the rest. One statement each; nothing is asked of a venue here."""

import sqlalchemy as sa

from portal.db import request_job, spelled, transaction
from portal.models import UNSETTLED, Execution, ExecutionConnection, ExecutionPosition, ForeignHolding, Order
from portal.models import TradingPreset as Preset
from portal.models.position import HELD
from portal.services.reconciliation import foreign, standing
from portal.trading.types import ConnectionStatus, MarketType

_SPOT = MarketType.SPOT.value
#: Idle accounts are compared again after so long, so that what was found stays fresh.
_AGAIN = standing.FRESH / 3


def sync_connections() -> int:
    """Ask for one `sync_connection` per connection with something open or not compared lately. Returns how
    many. Commits; may be repeated."""
    standing.start_anew_after_downtime()
    with transaction() as session:
        session.execute(_pass_empty_accounts())
        ids = sorted(each for each in session.execute(_due()).scalars() if each is not None)
        for connection_id in ids:
            request_job("sync_connection", connection_id)
    return len(ids)


def _idle() -> sa.ColumnElement[bool]:
    """True in SQL for accounts in use that were not compared for a while."""
    row = ExecutionConnection
    return sa.and_(
        row.is_active,
        row.status == ConnectionStatus.ACTIVE,
        sa.or_(row.reconciled_at.is_(None), row.reconciled_at < sa.func.now() - _AGAIN),
    )


def _open_things() -> sa.CompoundSelect[int | None]:
    orders = sa.select(Order.connection_id).where(Order.next_query_at.is_not(None))
    positions = sa.select(ExecutionPosition.connection_id).where(ExecutionPosition.status.in_(spelled(*HELD)))
    there = sa.select(ForeignHolding.connection_id).where(ForeignHolding.gone_at.is_(None), foreign.follows())
    return sa.union(orders, positions, there)


def _due() -> sa.CompoundSelect[int | None]:
    return sa.union(_open_things(), sa.select(ExecutionConnection.id).where(_idle()))


def _pass_empty_accounts() -> sa.Update:
    """Spot accounts with nothing in the books, and nothing that could have been sent before a restore: there
    is nothing to compare, so they need no job and no read."""
    row, things = ExecutionConnection, _open_things().subquery()
    waits = sa.exists().where(Execution.connection_id == row.id, Execution.status.in_(spelled(*UNSETTLED)))
    trades_swaps = sa.exists().where(Preset.id == row.preset_id, Preset.market_type != MarketType.SPOT)
    return (
        sa.update(row)
        .where(
            _idle(),
            # Rows outlive their connection: one NULL among them would make every NOT IN unknown.
            row.id.not_in(sa.select(things.c[0]).where(things.c[0].is_not(None))),
            row.reconciled_markets.contained_by([_SPOT]),
            ~waits,
            ~trades_swaps,
        )
        .values(reconciled_at=sa.func.now(), reconciled_markets=[_SPOT], updated_at=row.updated_at)
        .execution_options(synchronize_session=False)
    )
