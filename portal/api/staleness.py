"""An alert that says when it fired is not traded long afterwards: it was held up on its way, or somebody
caught it and sends it now. Decides by the alert alone; reads one row, writes nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.errors import ValidationError
from portal.models import Signal
from portal.trading.types import SignalAction

#: TradingView sends within seconds, and again for a minute or so when nobody answers.
WINDOW = timedelta(minutes=2)


def refuse_stale(alert: Mapping[str, Any], data: Mapping[str, Any], author_id: int, now: datetime) -> None:
    """Raises ValidationError for an entry whose `timenow` is more than `WINDOW` away. A repeat of an alert
    that is known passes: it is answered with the first. So does an exit: late is safer than never."""
    fired_at = _moment(alert.get("timenow"))
    if fired_at is None or abs(now - fired_at) <= WINDOW or data.get("action") == SignalAction.CLOSE.value:
        return
    known = sa.select(Signal.id).where(
        Signal.author_id == author_id, Signal.dedupe_key == data.get("dedupe_key")
    )
    if db.session.execute(known).first() is None:
        seconds = int((now - fired_at).total_seconds())
        raise ValidationError({
            "timenow": f"says that it fired {seconds} s ago; more than {WINDOW.seconds} s is not traded. "
            "Nothing was published. Send it when it fires, or leave timenow out"
        })  # fmt: skip


def _moment(value: object) -> datetime | None:
    """The time that an alert gives, if it can be read as one."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
