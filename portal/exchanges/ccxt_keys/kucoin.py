"""KuCoin: GET /api/v1/user/api-key. `Transfer` is the older word for moving funds out, withdrawals included;
`InnerTransfer` stays inside the account.
"""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, moment, words

_TRADING = frozenset({"trade", "spot", "margin", "futures", "unified"})
_LEAVING = frozenset({"withdrawal", "withdraw", "transfer"})


def read(question: Question) -> KeyFacts:
    answer = question.ask("privateGetUserApiKey")["data"]
    granted = words(answer.get("permission"))
    spoken = {word.lower() for word in granted}
    return KeyFacts(
        can_trade=bool(spoken & _TRADING) if granted else None,
        can_withdraw=bool(spoken & _LEAVING) if granted else None,
        # The field is left out when no address is bound.
        ip_restricted=bound(answer.get("ipWhitelist", "")),
        expires_at=moment(answer.get("expiredAt"), milliseconds=True),
        permissions=tuple(sorted(granted)),
    )
