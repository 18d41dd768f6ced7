"""OKX: GET /api/v5/account/config, which also tells the position mode of the account."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import bound, words
from portal.trading.types import PositionMode

_MODES = {"long_short_mode": PositionMode.HEDGE, "net_mode": PositionMode.ONE_WAY}


def read(question: Question) -> KeyFacts:
    [answer, *_] = question.ask("privateGetAccountConfig")["data"]
    granted = words(answer.get("perm"))
    return KeyFacts(
        can_trade="trade" in granted if granted else None,
        can_withdraw="withdraw" in granted if granted else None,
        ip_restricted=bound(answer.get("ip")),
        permissions=tuple(sorted(granted)),
        position_mode=_MODES.get(answer.get("posMode")),
    )
