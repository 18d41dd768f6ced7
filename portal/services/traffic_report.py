"""What is held back now: breakers that are open and pauses that venues asked for. Reads Redis only."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import current_app
from redis import Redis

from portal.db import utcnow
from portal.services.traffic_lanes import HELD, PREFIX


@dataclass(frozen=True, slots=True)
class HeldBack:
    """`kind` is `breaker` or `pause`; `name` is `venue:EXCHANGE@EGRESS`, `connection:ID` or
    `account:EXCHANGE:FINGERPRINT`. `until`: the end of a pause, or when a breaker is tried again."""

    kind: str
    name: str
    until: datetime
    reason: str = ""
    since: datetime | None = None

    @property
    def scope(self) -> str:
        """`venue`, `account` or `connection`."""
        scope = self.name.partition(":")[0]
        return "account" if self.kind == "pause" and scope == "connection" else scope

    @property
    def what(self) -> str:
        """What happened, to follow a name."""
        if self.kind == "pause":
            return f"asked for a pause until {self.until:%H:%M:%S} UTC"
        since = f" since {self.since:%H:%M:%S} UTC" if self.since is not None else ""
        return f"does not answer{since} ({self.reason})"

    def __str__(self) -> str:
        return f"{self.name} {self.what}"


def held_back() -> list[HeldBack]:
    """Everything that is held back, by name. Raises RedisError when Redis does not answer."""
    redis: Redis = current_app.extensions["portal_redis"]
    redis.zremrangebyscore(HELD, "-inf", _ms(utcnow()))
    members: list[bytes] = redis.zrange(HELD, 0, -1)  # type: ignore[assignment]
    names = [_text(each) for each in members]
    found = (_read(redis, name) for name in sorted(names))
    return [each for each in found if each is not None]


def _read(redis: Redis, key: str) -> HeldBack | None:
    kind, _, name = key.removeprefix(f"{PREFIX}:").partition(":")
    if kind == "pause":
        till = redis.get(key)
        return HeldBack(kind, name, _time(till)) if till is not None else None
    state = {_text(field): _text(value) for field, value in redis.hgetall(key).items()}
    if int(state.get("step", 0)) == 0:
        return None
    return HeldBack(kind, name, _time(state["routine_at"]), state["reason"], _time(state["since"]))


def _time(milliseconds: str | bytes) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
