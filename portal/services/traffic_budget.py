"""How much of each venue's budget of requests is spent now. Reads Redis and the list of connections; holds
nobody back."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app
from redis import Redis

from portal.config import Settings
from portal.db import db, utcnow
from portal.exchanges.budgets import Window
from portal.models import ExecutionConnection
from portal.services.traffic_lanes import Lane, Purpose, route

#: Above this part of what routine requests may spend, in percent, the budget is low.
LOW_PERCENT = 75
#: Venues that are looked at.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Spent:
    """What the machines that share `egress` spent at one venue within the last `allowed.seconds`. Exits and
    questions about orders in doubt may spend the rest when `routine` is used up."""

    exchange_name: str
    egress: str
    used: int
    routine: int
    allowed: Window

    @property
    def percent(self) -> int:
        """Of the whole budget."""
        return self.used * 100 // self.allowed.limit if self.allowed.limit else 0

    @property
    def is_low(self) -> bool:
        """Whether routine reads are, or will soon be, held back."""
        return bool(self.routine) and self.used * 100 >= self.routine * LOW_PERCENT


def spent() -> list[Spent]:
    """For every venue with an active connection, the most used first, as seen from this machine's egress.
    Raises RedisError when Redis does not answer."""
    settings: Settings = current_app.extensions["portal_settings"]
    names = db.session.scalars(
        sa.select(ExecutionConnection.exchange_name)
        .where(ExecutionConnection.is_active)
        .distinct()
        .limit(_MOST)
    ).all()
    urls = settings.exchange_urls
    lanes = {name: route(name, settings.egress, base_url=urls.get(name)).lanes[0] for name in names}
    redis: Redis = current_app.extensions["portal_redis"]
    pipe = redis.pipeline(transaction=False)
    for lane in lanes.values():
        pipe.hgetall(lane.window)
    rows = zip(lanes.items(), pipe.execute(), strict=True)
    found = [_spent(name, settings.egress, lane, window) for (name, lane), window in rows]
    return sorted(found, key=lambda each: (-each.percent, each.exchange_name))


def _spent(name: str, egress: str, lane: Lane, window: dict[bytes, bytes]) -> Spent:
    """As the script that admits requests counts: the last eleven tenths of the window."""
    tenth = max(1, lane.allowed.seconds * 1000 // 10)
    oldest = int(utcnow().timestamp() * 1000) // tenth - 10
    used = sum(int(count) for slot, count in window.items() if int(slot) >= oldest)
    return Spent(name, egress, used, lane.limit_for(Purpose.ROUTINE), lane.allowed)
