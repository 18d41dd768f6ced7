"""BingX: GET /openApi/v1/account/apiPermissions. Permissions are numbers, in newer answers flags."""

from collections.abc import Mapping
from typing import Any

from portal.exchanges.ccxt_keys import binance
from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, words

_NAMES = {
    "1": "spot trading", "2": "read", "3": "perpetual futures trading", "4": "universal transfer",
    "5": "withdraw", "7": "sub-account transfer",
}  # fmt: skip


def read(question: Question) -> KeyFacts:
    found = question.ask("accountV1PrivateGetAccountApiPermissions")
    answer: Mapping[str, Any] = found.get("data") or found
    if "enableWithdrawals" in answer:
        return binance.read(
            Question(lambda _method: answer, question.api_key, question.now, question.futures_only)
        )
    granted = words([str(number) for number in answer.get("permissions") or ()])
    return KeyFacts(
        can_trade=bool(granted & {"1", "3"}) if granted else None,
        can_withdraw="5" in granted if granted else None,
        ip_restricted=bound(answer.get("ipAddresses")),
        permissions=tuple(sorted(_NAMES.get(number, number) for number in granted)),
    )
