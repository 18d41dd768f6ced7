"""MEXC: GET /api/v3/apiKeyInfo. The flags of /account speak of the account, not of the key. The names of all
rights are not documented, so an unknown one that writes may be a right to withdraw.
"""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import after_days, bound, words

_TRADING = frozenset({"SPOT_DEAL_WRITE", "CONTRACT_DEAL_WRITE"})
_HARMLESS = _TRADING | {"SPOT_ACCOUNT_WRITE", "CONTRACT_ACCOUNT_WRITE"}


def read(question: Question) -> KeyFacts:
    answer = question.ask("spotPrivateGetApiKeyInfo", {"accessKey": question.api_key})
    granted = words(answer.get("permissions"))
    return KeyFacts(
        can_trade=bool(granted & _TRADING) if granted else None,
        can_withdraw=_withdraw(granted),
        ip_restricted=bound(answer.get("ipWhiteList")),
        expires_at=after_days(question.now, answer.get("remainingValidity")),
        permissions=tuple(sorted(granted)),
    )


def _withdraw(granted: frozenset[str]) -> bool | None:
    writing = {word for word in granted if not word.endswith("_READ")}
    if any("WITHDRAW" in word for word in writing):
        return True
    return False if granted and writing <= _HARMLESS else None
