"""Binance: GET /sapi/v1/account/apiRestrictions, for spot and futures keys alike."""

from portal.exchanges.ccxt_keys.facts import KeyFacts, Question
from portal.exchanges.ccxt_keys.words import flag, moment


def read(question: Question) -> KeyFacts:
    answer = question.ask("sapiGetAccountApiRestrictions")
    futures, spot = flag(answer.get("enableFutures")), flag(answer.get("enableSpotAndMarginTrading"))
    known = [each for each in (futures, spot) if each is not None]
    return KeyFacts(
        can_trade=futures if question.futures_only else any(known) if known else None,
        can_withdraw=flag(answer.get("enableWithdrawals")),
        ip_restricted=flag(answer.get("ipRestrict")),
        expires_at=moment(answer.get("tradingAuthorityExpirationTime"), milliseconds=True),
        permissions=tuple(
            sorted(
                name
                for name, value in answer.items()
                if name.startswith(("enable", "permits")) and flag(value)
            )
        ),
    )
