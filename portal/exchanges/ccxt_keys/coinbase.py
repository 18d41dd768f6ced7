"""Coinbase: GET /api/v3/brokerage/key_permissions. `can_transfer` sends funds off the platform too."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import flag


def read(question: Question) -> KeyFacts:
    answer = question.ask("v3PrivateGetBrokerageKeyPermissions")
    return KeyFacts(
        can_trade=flag(answer.get("can_trade")),
        can_withdraw=flag(answer.get("can_transfer")),
        permissions=tuple(
            sorted(name for name, value in answer.items() if name.startswith("can_") and flag(value))
        ),
    )
