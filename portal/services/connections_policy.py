"""Which keys are refused, and when a key is asked about again. Pure decisions on a row; writes nothing."""

from datetime import datetime, timedelta

from portal.models import ExecutionConnection

#: Between two questions about a key. Less than a day, so that a right that appears is seen within one; a
#: little different for each connection, so that those made together drift apart.
_AT_LEAST = timedelta(hours=22)
_SPREAD_MINUTES = 60

MAY_NOT_TRADE = "The API key may not trade. Allow trading for it at the exchange, then test again."
MAY_WITHDRAW = (
    "The API key can withdraw funds, and such keys are refused: whoever steals one takes the money. Nothing "
    "is opened with it; what is open can still be closed. Take that right from the key at the exchange, or "
    "make a new key without it, then test again. Only an administrator can make an exception, in writing."
)


def why_refused(row: ExecutionConnection) -> str | None:
    """Why this key is not traded with, by what was learnt of it; None when nothing speaks against it. What
    the venue did not say speaks neither way."""
    if row.facts.get("can_trade") is False:
        return MAY_NOT_TRADE
    if row.facts.get("can_withdraw") is True and row.withdrawal_override is None:
        return MAY_WITHDRAW
    return None


def must_ask_about_key(row: ExecutionConnection, now: datetime) -> bool:
    """Whether the next check has to ask what the key may do: at least once a day, and always while the
    connection is in error, so that a repaired key works again soon."""
    if row.has_error() or row.facts_at is None:
        return True
    return now - row.facts_at >= _AT_LEAST + timedelta(minutes=row.id % _SPREAD_MINUTES)
