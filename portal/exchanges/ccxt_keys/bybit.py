"""Bybit: GET /v5/user/query-api. A key without bound addresses has a day on which it dies."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, flag, iso_moment, words

_TRADING = frozenset({"Order", "SpotTrade", "DerivativesTrade", "OptionsTrade"})


def read(question: Question) -> KeyFacts:
    answer = question.ask("privateGetV5UserQueryApi")["result"]
    groups, read_only = answer.get("permissions"), flag(answer.get("readOnly"))
    granted: frozenset[str] = frozenset().union(*(words(group) for group in (groups or {}).values()))
    said = groups is not None and read_only is not None
    return KeyFacts(
        can_trade=bool(granted & _TRADING) and not read_only if said else None,
        can_withdraw="Withdraw" in granted and not read_only if said else None,
        ip_restricted=bound(answer.get("ips")),
        expires_at=iso_moment(answer.get("expiredAt")),
        permissions=tuple(sorted(granted)),
    )
