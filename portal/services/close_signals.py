"""Signals that close: `action: close`, and spot sells of what Portico itself holds."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import Execution, ExecutionPosition, Order
from portal.services import claims, closing, outcomes, positions, waiting
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    MarketType,
    PositionMode,
    PositionSide,
    PositionStatus,
    Side,
)

_LOOK_AGAIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a closing signal is about on one account."""

    connection_id: int | None
    lane: str
    direction: Side
    position_mode: PositionMode | None

    @classmethod
    def of(cls, execution: Execution) -> "Aim":
        """From an execution with its connection."""
        connection = execution.connection
        mode = connection.position_mode if connection is not None else None
        return cls(execution.connection_id, execution.lane, execution.direction, mode)

    @property
    def closed_side(self) -> PositionSide | None:
        """Where an account can be long and short at once: the direction of the signal that opened."""
        if self.position_mode is not PositionMode.HEDGE:
            return None
        return PositionSide.LONG if self.direction is Side.BUY else PositionSide.SHORT


def sells_own(aim: Aim, denial: Denial) -> bool:
    """True when a spot sell was denied because what it would sell is Portico's own open position: selling
    it is what the signal means, and the position's books must know. Reads only."""
    if denial.code not in (DenialCode.OPPOSITE_POSITION_OPEN, DenialCode.NOTHING_TO_SELL):
        return False
    mine = _targets(aim).where(ExecutionPosition.market_type == MarketType.SPOT)
    found = db.session.execute(mine.limit(1)).first() is not None
    end_read()
    return found


def would_close(aim: Aim) -> tuple[list[ExecutionPosition], int]:
    """The positions that a closing signal would close now, and how many waiting entries it would cancel
    before. Reads only."""
    found = list(db.session.execute(_targets(aim)).scalars())
    return found, waiting.resting(aim.connection_id, *_entries(aim))


def run(execution: Execution, token: str) -> Denial | None:
    """Cancel the entries of the pair that still wait at the exchange, and close every open position; each
    gets its own order.

    A close without either is a recorded no-op (NOTHING_TO_CLOSE). Where an account can be long and short at
    once, `direction` names the direction of the signal that opened. Owns its transactions; repeatable like
    `executions.run`. Raises ExchangeError when an entry could not be canceled: nothing was closed then."""
    connection, aim = execution.connection, Aim.of(execution)
    if connection is None:
        return deny(DenialCode.CONNECTION_INACTIVE)
    entries = _entries(aim)
    canceled = waiting.withdraw(connection, *entries)
    unclear = waiting.still_there(connection.id, *entries)
    with transaction() as session:
        mine = claims.lock_mine(execution.id, token)
        if mine is None:
            return None
        if unclear:
            # What an entry leaves behind is not known yet: closing now could close too little.
            claims.release(mine, _LOOK_AGAIN)
            return None
        targets = list(session.execute(_targets(Aim.of(mine)).with_for_update(key_share=True)).scalars())
        mine.read_at = utcnow()
        asked = [
            position.id
            for position in targets
            if positions.want_close(position, ClosedReason.SIGNAL, execution_id=mine.id)
        ]
        if not asked and canceled:
            outcomes.finish(mine, ExecutionStatus.CANCELED, message=f"{canceled} waiting entry was canceled")
            return None
        if not asked:
            return deny(DenialCode.NOTHING_TO_CLOSE)
        mine.status = ExecutionStatus.IN_FLIGHT
        mine.intended_at = utcnow()
    for position_id in asked:
        closing.run_close(position_id)
    return None


def _entries(aim: Aim) -> list[sa.ColumnElement[bool]]:
    """Which orders could still open what this signal closes."""
    which = [sa.func.split_part(Order.symbol, ":", 1) == aim.lane]
    side = aim.closed_side
    return which if side is None else [*which, Order.position_side == side]


def _targets(aim: Aim) -> sa.Select[ExecutionPosition]:
    wanted = sa.select(ExecutionPosition).where(
        ExecutionPosition.connection_id == aim.connection_id,
        sa.func.split_part(ExecutionPosition.symbol, ":", 1) == aim.lane,
        sa.or_(
            ExecutionPosition.status == PositionStatus.OPEN,
            # A target is being served: the rest shall follow it.
            sa.and_(
                ExecutionPosition.status == PositionStatus.CLOSING,
                ExecutionPosition.close_quantity.is_not(None),
            ),
        ),
    )
    side = aim.closed_side
    if side is not None:
        wanted = wanted.where(ExecutionPosition.position_side == side)
    return wanted.order_by(ExecutionPosition.id)
