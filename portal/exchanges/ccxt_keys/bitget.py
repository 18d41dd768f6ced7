"""Bitget: GET /api/v2/spot/account/info. Permissions are four letters each: what, and read or write."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, words

_TRADING = frozenset({"stow", "coow", "smow", "trade"})
_WITHDRAWING = frozenset({"wwow", "withdraw"})
#: Only a list in these words can leave one out; older keys are described in others.
_DETAILED = frozenset(
    {"coor", "cpor", "stor", "smor", "wtor", "coow", "cpow", "stow", "smow", "wtow", "wwow"}
)


def read(question: Question) -> KeyFacts:
    answer = question.ask("privateSpotGetV2SpotAccountInfo")["data"]
    granted = words(answer.get("authorities"))
    detailed = bool(granted & _DETAILED)
    return KeyFacts(
        can_trade=True if granted & _TRADING else False if detailed else None,
        can_withdraw=True if granted & _WITHDRAWING else False if detailed else None,
        ip_restricted=bound(answer.get("ips")),
        permissions=tuple(sorted(granted)),
    )
