"""Tells owners that the prices of their open positions cannot be used: once per exchange and owner, and once
more when they can be used again. Places and closes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, transaction
from portal.models import ExecutionPosition, MarketDoubt, PriceAlarm
from portal.services.marks import WATCHED
from portal.services.notifications import notify
from portal.services.price_doubts import sentence
from portal.trading.price_sanity import Doubt
from portal.trading.types import NotificationType

#: Positions whose last good price is older than this are told of; a jump that nothing confirms, at once.
PATIENCE = timedelta(minutes=3)
_NAMED = 5
_MEANS = (
    "Portico closes nothing on such a price, so stops and targets that it watches itself do not work until"
    " there is a good one; what rests at the exchange works. Look at the exchange, and close by hand what"
    " must not wait."
)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Open positions of one owner at one exchange whose price cannot be used."""

    exchange_name: str
    owner_id: int | None
    positions: int
    symbols: tuple[str, ...]
    #: When the oldest of their last good prices was read.
    oldest: datetime | None
    why: Doubt | None

    @property
    def key(self) -> tuple[str, int]:
        return self.exchange_name, self.owner_id or 0


def unpriced(now: datetime) -> list[Unpriced]:
    """Who has open positions without a usable price, worst first. Reads only."""
    position = ExecutionPosition
    doubt = MarketDoubt
    late = sa.or_(position.marked_at.is_(None), position.marked_at < now - PATIENCE)
    rows = db.session.execute(
        sa.select(
            position.exchange_name,
            position.owner_id,
            sa.func.count(),
            sa.func.array_agg(sa.distinct(position.symbol)),
            sa.func.min(position.marked_at),
            sa.func.min(doubt.doubt),
        )
        .join(
            doubt,
            sa.and_(doubt.exchange_name == position.exchange_name, doubt.symbol == position.symbol),
            isouter=True,
        )
        .where(position.status.in_(WATCHED), sa.or_(late, doubt.doubt == Doubt.OUTSIDE_BAND))
        .group_by(position.exchange_name, position.owner_id)
        .order_by(sa.func.min(position.marked_at).nulls_first())
    ).all()
    return [
        Unpriced(name, owner, count, tuple(sorted(symbols)), oldest, Doubt(why) if why else None)
        for name, owner, count, symbols, oldest, why in rows
    ]


def tell(now: datetime) -> int:
    """Raise and settle alarms as the last check left the prices. Returns how many were raised. Commits; may
    run any number of times, also at the same time."""
    with transaction() as session:
        missing = {each.key: each for each in unpriced(now)}
        told = {
            (alarm.exchange_name, alarm.owner_key): alarm
            for alarm in session.execute(sa.select(PriceAlarm)).scalars()
        }
        raised = sum(_raise(each, now) for key, each in missing.items() if key not in told)
        for key, alarm in told.items():
            if key not in missing:
                _settle(alarm)
        return raised


def _raise(trouble: Unpriced, now: datetime) -> int:
    exchange_name, owner_key = trouble.key
    row = insert(PriceAlarm).values(exchange_name=exchange_name, owner_key=owner_key, raised_at=now)
    if db.session.scalar(row.on_conflict_do_nothing().returning(PriceAlarm.id)) is None:
        return 0
    count = trouble.positions
    which = ", ".join(trouble.symbols[:_NAMED]) + (" and others" if len(trouble.symbols) > _NAMED else "")
    why = f": {sentence(trouble.why)}" if trouble.why else ""
    minutes = int((now - trouble.oldest).total_seconds() // 60) if trouble.oldest else None
    age = f" The last good price is {minutes} min old." if minutes else ""
    notify(
        NotificationType.ERROR,
        f"No usable price from {exchange_name} for {count} open position{'s' if count > 1 else ''}",
        f"{which}{why}.{age} {_MEANS}",
        user_id=trouble.owner_id,
    )
    return 1


def _settle(alarm: PriceAlarm) -> None:
    """Delete first: of two that settle at once, one tells."""
    gone = sa.delete(PriceAlarm).where(PriceAlarm.id == alarm.id).returning(PriceAlarm.id)
    if db.session.scalar(gone) is None or not _still_there(alarm):
        return
    notify(
        NotificationType.CONNECTION,
        f"Prices from {alarm.exchange_name} are usable again",
        "Stops and targets of open positions are watched as before.",
        user_id=alarm.owner_key or None,
    )


def _still_there(alarm: PriceAlarm) -> bool:
    """Whether the owner still holds anything there that a price matters for."""
    owner = ExecutionPosition.owner_id
    mine = owner == alarm.owner_key if alarm.owner_key else owner.is_(None)
    wanted = sa.select(ExecutionPosition.id).where(
        mine, ExecutionPosition.exchange_name == alarm.exchange_name, ExecutionPosition.status.in_(WATCHED)
    )
    return db.session.scalar(wanted.limit(1)) is not None


def counts(now: datetime) -> Mapping[str, int]:
    """Open positions without a usable price, by exchange, for the dashboard. Reads only."""
    found: dict[str, int] = {}
    for each in unpriced(now):
        found[each.exchange_name] = found.get(each.exchange_name, 0) + each.positions
    return found
