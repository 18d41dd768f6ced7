"""Bitfinex: POST /v2/auth/r/permissions, rows of scope, read and write."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import flag


def read(question: Question) -> KeyFacts:
    rows = question.ask("privatePostAuthRPermissions")
    writable = {str(scope): flag(write) for scope, _read, write, *_ in rows}
    readable = {str(scope) for scope, read_only, *_ in rows if flag(read_only)}
    return KeyFacts(
        can_trade=writable.get("orders"),
        can_withdraw=writable.get("withdraw"),
        permissions=tuple(
            sorted(
                scope if writable.get(scope) else f"{scope}: read"
                for scope in readable | {name for name, may in writable.items() if may}
            )
        ),
    )
