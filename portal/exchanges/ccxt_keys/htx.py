"""HTX: GET /v2/user/uid names the user, GET /v2/user/api-key then tells of the key. Only two rights are
documented; any other word may mean more.
"""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import after_days, bound, words

_HARMLESS = frozenset({"readOnly", "trade"})


def read(question: Question) -> KeyFacts:
    user = question.ask("spotPrivateGetV2UserUid")["data"]
    rows = question.ask("spotPrivateGetV2UserApiKey", {"uid": user, "accessKey": question.api_key})["data"]
    for row in rows:
        if row.get("accessKey") == question.api_key:
            granted = words(row.get("permission"))
            return KeyFacts(
                can_trade="trade" in granted if granted else None,
                can_withdraw=_withdraw(granted),
                ip_restricted=bound(row.get("ipAddresses")),
                expires_at=after_days(question.now, row.get("validDays")),
                permissions=tuple(sorted(granted)),
            )
    return KeyFacts()


def _withdraw(granted: frozenset[str]) -> bool | None:
    if any("withdraw" in word.lower() for word in granted):
        return True
    return False if granted and granted <= _HARMLESS else None
