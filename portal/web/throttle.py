"""Slows down password guessing: failures are counted per account and address together, and per address.

Never per account alone: strangers must not be able to lock the owner out. Without Redis nobody is slowed
down, and the log says so; argon2 remains.
"""

import hashlib
import logging

from flask import current_app
from redis import RedisError

logger = logging.getLogger(__name__)

#: Failures of one account from one address, and of one address, within `WINDOW` seconds.
PER_ACCOUNT_AND_ADDRESS = 5
PER_ADDRESS = 50
WINDOW = 900


def is_blocked(account: str, address: str) -> bool:
    """True when this address failed too often. Changes nothing."""
    limits = _limits(account, address)
    try:
        counts = current_app.extensions["portal_redis"].mget(list(limits))
    except RedisError:
        logger.warning("Redis is away: password guesses are not being limited")
        return False
    return any(int(count or 0) >= limit for count, limit in zip(counts, limits.values(), strict=True))


def note_failure(account: str, address: str) -> None:
    """Count one wrong password."""
    try:
        pipe = current_app.extensions["portal_redis"].pipeline()
        for key in _limits(account, address):
            # Not EXPIRE … NX: the Redis that embedded mode brings is older than that.
            pipe.set(key, 0, ex=WINDOW, nx=True)
            pipe.incr(key)
        pipe.execute()
    except RedisError:
        logger.warning("Redis is away: a wrong password was not counted")


def forget(account: str, address: str) -> None:
    """After a right password this pair starts afresh; the address keeps its count."""
    try:
        current_app.extensions["portal_redis"].delete(next(iter(_limits(account, address))))
    except RedisError:
        logger.warning("Redis is away: the count of wrong passwords was kept")


def _limits(account: str, address: str) -> dict[str, int]:
    # Hashed: Redis holds no list of who tried to log in.
    pair = hashlib.sha256(f"{account.strip().lower()}|{address}".encode()).hexdigest()[:32]
    alone = hashlib.sha256(address.encode()).hexdigest()[:32]
    return {
        f"portal:login:pair:{pair}": PER_ACCOUNT_AND_ADDRESS,
        f"portal:login:address:{alone}": PER_ADDRESS,
    }
