"""Kraken: POST /0/private/GetApiKeyInfo, which needs no permission of its own."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, moment, words


def read(question: Question) -> KeyFacts:
    answer = question.ask("privatePostGetApiKeyInfo")["result"]
    granted = words(answer.get("permissions"))
    said = answer.get("permissions") is not None
    return KeyFacts(
        can_trade="modify-trades" in granted if said else None,
        can_withdraw="withdraw-funds" in granted if said else None,
        ip_restricted=bound(answer.get("ipAllowlist")),
        expires_at=moment(answer.get("validUntil")),
        permissions=tuple(sorted(granted)),
    )
