"""Slows down password guessing: failures are counted per account and address together, per address, and per
account.

The last never holds for addresses the owner has logged in from: strangers must not be able to lock the owner
out. Without Redis nobody is slowed down, and the log says so; argon2 remains.
"""

import hashlib
import ipaddress
import logging
from collections.abc import Callable

from flask import current_app
from redis import RedisError

logger = logging.getLogger(__name__)

#: Failures of one account from one address, of one address, and of one account from everywhere, within
#: `WINDOW` seconds.
PER_ACCOUNT_AND_ADDRESS = 5
PER_ADDRESS = 50
PER_ACCOUNT = 100
WINDOW = 900


def is_blocked(account: str, address: str, *, trusted: Callable[[], bool] = lambda: False) -> bool:
    """True when this address, or all together, failed too often. `trusted` says whether the owner has logged
    in from there before; it is asked only when the account is under fire. Changes nothing."""
    limits = _limits(account, address)
    try:
        counts = current_app.extensions["portal_redis"].mget(list(limits))
    except RedisError:
        logger.warning("Redis is away: password guesses are not being limited")
        return False
    pair, alone, everywhere = (
        int(count or 0) >= limit for count, limit in zip(counts, limits.values(), strict=True)
    )
    return pair or alone or (everywhere and not trusted())


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


def hidden_place(address: str) -> str:
    """A name for where requests come from, for counting them."""
    return _hidden(_place(address))


def _limits(account: str, address: str) -> dict[str, int]:
    account, place = account.strip().lower(), _place(address)
    return {
        f"portal:login:pair:{_hidden(f'{account}|{place}')}": PER_ACCOUNT_AND_ADDRESS,
        f"portal:login:address:{_hidden(place)}": PER_ADDRESS,
        f"portal:login:account:{_hidden(account)}": PER_ACCOUNT,
    }


def _place(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them: they count as one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def _hidden(text: str) -> str:
    # Hashed: Redis holds no list of who tried to log in.
    return hashlib.sha256(text.encode()).hexdigest()[:32]
