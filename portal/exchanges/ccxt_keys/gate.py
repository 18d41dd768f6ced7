"""Gate: GET /account/main_keys lists the keys with their permissions, GET /account/detail tells the addresses
of this one. Whether a writable `wallet` may withdraw depends on the account, so it counts as not said.
"""

from collections.abc import Mapping
from typing import Any

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, flag
from portal.exchanges.errors import ExchangeError

_TRADING = frozenset({"spot", "margin", "futures", "delivery", "options", "unified"})


def read(question: Question) -> KeyFacts:
    detail = question.ask("privateAccountGetDetail")
    granted = _granted(question)
    if granted is None:
        return KeyFacts(ip_restricted=bound(detail.get("ip_whitelist")))
    writable = {name for name, read_only in granted.items() if read_only is False}
    withdraw = any(name.startswith("withdraw") for name in writable)
    unsure = "wallet" in writable or None in granted.values()
    return KeyFacts(
        can_trade=bool(writable & _TRADING),
        can_withdraw=True if withdraw else None if unsure else False,
        ip_restricted=bound(detail.get("ip_whitelist")),
        permissions=tuple(
            sorted(f"{name}: read" if read_only else name for name, read_only in granted.items())
        ),
    )


def _granted(question: Question) -> Mapping[str, bool | None] | None:
    """Read-only or not, by name. None when the venue does not tell: only main accounts may ask."""
    try:
        keys: Any = question.ask("privateAccountGetMainKeys")
    except ExchangeError as error:
        if not error.permanent:
            raise
        return None
    rows = keys if isinstance(keys, list) else [keys]
    for row in rows:
        if row.get("key") == question.api_key and row.get("perms"):
            return {str(each.get("name")): flag(each.get("read_only")) for each in row["perms"]}
    return None
