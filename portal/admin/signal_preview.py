"""What a draft would do on every account, asked by workers and shown here as the answers come in. Sends
nothing, and asks no exchange itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import current_app, request, url_for
from flask.typing import ResponseReturnValue
from redis import RedisError

from portal.admin.access import actor
from portal.admin.confirming import act, found
from portal.admin.routing import route
from portal.db import db, utcnow
from portal.jobs import presences
from portal.models import ExecutionConnection, Signal
from portal.services.previews import runs
from portal.services.previews.answers import Answer, Verdict, totals
from portal.services.previews.runs import Preview

#: Accounts on one page.
_ROWS = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """A preview as its page shows it."""

    preview: Preview
    counts: dict[str, int]
    totals: dict[str, Decimal]
    #: When the oldest of its prices was read.
    oldest_at: datetime | None
    rows: Sequence[tuple[Answer, str]]
    shown: str
    next_url: str | None

    @property
    def is_running(self) -> bool:
        """Whether answers may still come in."""
        return bool(self.preview.waiting) and not self.preview.stale and not self.preview.silent


class SignalPreview:
    """What the view of signals has for drafts."""

    @route("/preview/<row_id:signal_id>", methods=("GET", "POST"))
    def preview(self, signal_id: int) -> ResponseReturnValue:
        """Show what was found; by POST, let workers find it out anew."""
        signal = found(Signal, signal_id)
        if request.method == "POST":
            return act(url_for(".preview", signal_id=signal_id), lambda: _start(signal_id))
        page: dict[str, Any] = {"signal": signal, "seen": None, "away": False, "workers": None}
        try:
            page["seen"] = _seen(signal)
            page["workers"] = presences.count_workers(current_app.extensions["portal_redis"], utcnow())
        except RedisError:
            page["away"] = True
        return str(self.render("admin/signal_preview.html", verdicts=Verdict, **page))  # type: ignore[attr-defined]


def summary(signal: Signal) -> str:
    """One sentence about the newest preview, for those who are about to publish; empty without one."""
    try:
        preview = runs.latest(signal)
    except RedisError:
        return ""
    if preview is None or not preview.answers:
        return ""
    if preview.stale:
        return "The draft was changed after its preview."
    counts = _counts(preview)
    return (
        f"Its preview: {counts[Verdict.TRADE]:,} would trade, {counts[Verdict.REFUSE]:,} would refuse,"
        f" {counts[Verdict.UNKNOWN] + preview.waiting:,} could not be asked."
    )


def _start(signal_id: int) -> str:
    run = runs.start(signal_id, actor=actor())
    if not run.total:
        return "No connection is eligible now, so there is nobody to ask."
    many = "1 account is" if run.total == 1 else f"{run.total:,} accounts are"
    return f"{many} asked now. Nothing is sent."


def _seen(signal: Signal) -> Seen | None:
    preview = runs.latest(signal)
    if preview is None:
        return None
    shown = request.args.get("show", "")
    shown = shown if shown in set(Verdict) else ""
    wanted = [each for each in preview.answers.values() if shown in ("", each.verdict)]
    after = request.args.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0
    left = [each for each in wanted if each.connection_id > start]
    rows, more = left[:_ROWS], len(left) > _ROWS
    names = _names([each.connection_id for each in rows])
    last = rows[-1].connection_id if more else None
    return Seen(
        preview=preview,
        counts=_counts(preview),
        totals=totals(preview.answers),
        oldest_at=min((each.at for each in preview.answers.values()), default=None),
        rows=[(each, names.get(each.connection_id, f"#{each.connection_id}")) for each in rows],
        shown=shown,
        next_url=url_for(".preview", signal_id=signal.id, show=shown or None, after=last) if last else None,
    )


def _counts(preview: Preview) -> dict[str, int]:
    counted = Counter(each.verdict for each in preview.answers.values())
    return {verdict: counted[verdict] for verdict in Verdict}


def _names(ids: Sequence[int]) -> dict[int, str]:
    rows = db.session.execute(
        sa.select(ExecutionConnection.id, ExecutionConnection.name).where(ExecutionConnection.id.in_(ids))
    )
    return {row.id: row.name for row in rows}
