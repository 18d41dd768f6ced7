"""`check_positions`: every open position against the market, every minute, in bulk. Every venue is read by
itself and served as soon as it answers; one update per venue; only the positions that must act are loaded,
and each gets its own job."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from portal.db import db, transaction, utcnow
from portal.models import ExecutionPosition
from portal.services import exits, marks, price_alarms, price_doubts, price_reading
from portal.services.marks import WATCHED
from portal.services.price_reading import Reading
from portal.trading.types import PositionSide, PositionStatus

logger = logging.getLogger(__name__)

_BATCH = 500
#: Beyond this a result is no result; it must not keep the other rows of its venue from being marked.
_LARGEST_PNL = Decimal(10) ** 19


@dataclass(slots=True)
class Checked:
    """What one run did."""

    venues: int = 0
    markets: int = 0
    marked: int = 0
    looked_at: int = 0
    closes_asked: int = 0
    failed_venues: int = 0
    #: Markets whose price was not acted on.
    doubted: int = 0
    #: Owners who were told that prices cannot be used.
    alarms: int = 0


def check_positions() -> Checked:
    """Mark every open position to market and ask for the closes that stops and targets call for. What is
    hard to believe is not acted on (`trading.price_sanity` has the rule); its owner is told.

    Commits per venue; may be repeated at any time. A venue that fails or hangs delays no other, and a
    deadlock that was lost to whoever locked several positions is no reason to look away for a minute.
    """
    checked = Checked()
    markets = marks.watched()
    for reading in price_reading.read_all(markets):
        if reading.failed:
            logger.warning("no prices from %s: %s", reading.exchange_name, reading.failed)
        try:
            _check(reading, checked)
        except Exception:  # one venue's trouble is its own
            checked.failed_venues += 1
            logger.exception("%s: the check failed", reading.exchange_name)
    price_doubts.forget_unwatched(
        [(name, symbol) for name, anchors in markets.items() for symbol in anchors], utcnow()
    )
    checked.alarms = price_alarms.tell(utcnow())
    return checked


def _check(reading: Reading, checked: Checked) -> None:
    """Act on what one venue said, then write down what could not be acted on."""
    now = utcnow()
    verdicts = price_doubts.confirm_by_last_check(reading.exchange_name, reading.verdicts, now)
    usable = {symbol: verdict.mark for symbol, verdict in verdicts.items() if verdict.mark is not None}
    if reading.failed:
        checked.failed_venues += 1
    else:
        checked.venues += 1
        checked.doubted += len(verdicts) - len(usable)
        _act_in_two_tries(reading.exchange_name, usable, checked)
    price_doubts.remember(reading.exchange_name, verdicts, now)


def _act_in_two_tries(exchange_name: str, usable: Mapping[str, Decimal], checked: Checked) -> None:
    for last_try in (False, True):
        try:
            _check_venue(exchange_name, usable, checked)
            return
        except OperationalError:
            if last_try:
                checked.failed_venues += 1
            logger.warning("%s: the check was interrupted", exchange_name, exc_info=last_try)


def _check_venue(exchange_name: str, marks: Mapping[str, Decimal], checked: Checked) -> None:
    if not marks:
        return
    with transaction() as session:
        checked.marked += _mark(exchange_name, marks)
        checked.markets += len(marks)
        acting = list(session.execute(_must_look(exchange_name, marks)).scalars())
    for start in range(0, len(acting), _BATCH):
        with transaction() as session:
            batch = session.execute(
                sa.select(ExecutionPosition)
                .where(
                    ExecutionPosition.id.in_(acting[start : start + _BATCH]),
                    ExecutionPosition.status == PositionStatus.OPEN,
                )
                .order_by(ExecutionPosition.id)
                .with_for_update(key_share=True)
                .execution_options(populate_existing=True)
            ).scalars()
            for position in batch:
                checked.looked_at += 1
                checked.closes_asked += _act(position, marks[position.symbol])


def _act(position: ExecutionPosition, mark: Decimal) -> int:
    """One position that makes no sense must not take the stops of all others with it."""
    try:
        return exits.act(position, mark)
    except (ValueError, ArithmeticError, LookupError, TypeError):
        logger.exception("position %s: its stop and targets could not be judged", position.id)
        return 0


def _mark(exchange_name: str, marks: Mapping[str, Decimal]) -> int:
    """Write mark price and unrealized PnL of all positions of a venue in one statement."""
    price = sa.values(sa.column("symbol", sa.Text), sa.column("mark", sa.Numeric(38, 18)), name="price").data(
        list(marks.items())
    )
    position = ExecutionPosition
    direction = sa.case((position.position_side == PositionSide.LONG, 1), else_=-1)
    entry = position.average_entry_price
    linear = (price.c.mark - entry) * position.quantity * position.contract_size
    inverse = (1 / sa.func.nullif(entry, 0) - 1 / price.c.mark) * position.quantity * position.contract_size
    result = sa.func.coalesce(direction * sa.case((position.linear, linear), else_=inverse), 0)
    pnl = sa.case((sa.func.abs(result) < _LARGEST_PNL, result), else_=0)
    done = db.session.execute(
        sa.update(position)
        .where(
            position.exchange_name == exchange_name,
            position.status.in_(WATCHED),
            position.symbol == price.c.symbol,
        )
        .values(
            mark_price=price.c.mark,
            marked_at=utcnow(),
            unrealized_pnl=pnl,
            exit_reached_at=sa.case((_reached(price.c.mark), position.exit_reached_at), else_=None),
        )
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _must_look(exchange_name: str, marks: Mapping[str, Decimal]) -> sa.Select[int]:
    """Open positions whose stop or next target is reached, or whose stop moves with the price."""
    position = ExecutionPosition
    reached = _reached(position.mark_price)
    moving = sa.or_(
        position.trailing_stop_percent.is_not(None),
        position.trailing_stop_distance.is_not(None),
        position.break_even_at_r.is_not(None),
    )
    return sa.select(position.id).where(
        position.exchange_name == exchange_name,
        position.symbol.in_(list(marks)),
        position.status == PositionStatus.OPEN,
        sa.or_(reached, moving),
    )


def _reached(
    mark: sa.ColumnElement[Decimal] | sa.orm.InstrumentedAttribute[Decimal | None],
) -> sa.ColumnElement[bool]:
    """Whether `mark` is at the stop or at the next target, or beyond."""
    stop, target = ExecutionPosition.sl_price, ExecutionPosition.next_tp_price
    long = ExecutionPosition.position_side == PositionSide.LONG
    return sa.or_(
        sa.and_(long, sa.or_(mark <= stop, mark >= target)),
        sa.and_(~long, sa.or_(mark >= stop, mark <= target)),
    )
