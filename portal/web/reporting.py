"""What the analytics pages of owners and administrators show: one question to the address bar, one page of
figures, one file of them. Reads only."""

import csv
import io
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Response, request

from portal.services.reports import quality, results, scope
from portal.services.reports.results import GroupBy
from portal.services.reports.scope import PERIODS, Scope
from portal.web import report_pictures

_DEFAULT_DAYS = 30
#: All accounts together make many rows: a week answers at once, more is a click away.
_DEFAULT_DAYS_OF_ALL = 7
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see; anything that is not offered is replaced by the default."""

    scope: Scope
    group: GroupBy
    currencies: list[str]

    @classmethod
    def from_request(cls, owner_id: int | None) -> "Asked":
        default = _DEFAULT_DAYS if owner_id is not None else _DEFAULT_DAYS_OF_ALL
        text = request.args.get("days", "")
        days = int(text) if text in {str(each) for each in PERIODS} else default
        known = scope.currencies(owner_id, days)
        wanted = request.args.get("currency", "")
        currency = wanted if wanted in known else (known[0] if known else "USDT")
        groups = {each.value: each for each in GroupBy}
        group = groups.get(request.args.get("by", ""), GroupBy.CONNECTION)
        return cls(Scope(owner_id, days, currency), group, known)

    def others(self, **changed: object) -> dict[str, object]:
        """The query of a link that changes one thing."""
        return {
            "days": self.scope.days,
            "currency": self.scope.currency,
            "by": self.group.value,
            **changed,
        }


def page(asked: Asked) -> dict[str, Any]:
    """Everything that `_report.html` shows."""
    days = results.by_day(asked.scope)
    total, rows = results.summary(asked.scope, asked.group)
    return {
        "asked": asked,
        "periods": PERIODS,
        "groups": list(GroupBy),
        "total": total,
        "rows": rows,
        "days": [day for day in reversed(days) if day.trades],
        "outcomes": quality.outcomes(asked.scope),
        "refusals": quality.refusals(asked.scope),
        "steps": quality.steps(asked.scope),
        **report_pictures.of(asked.scope, days),
    }


def as_csv(asked: Asked) -> Response:
    """The days and the groups of the report as a file; money with all its digits."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("day (UTC)", "closed", "won", "result", "fees", "currency"))
    for day in results.by_day(asked.scope):
        writer.writerow((day.date, day.trades, day.wins, day.result, day.fees, asked.scope.currency))
    writer.writerow(())
    writer.writerow(
        (
            asked.group.value,
            "closed",
            "won",
            "lost",
            "result",
            "fees",
            "profit factor",
            "slippage bps",
            "currency",
        )
    )
    for row in results.grouped(asked.scope, asked.group):
        writer.writerow((
            _cell(row.name), row.trades, row.wins, row.losses, row.result, row.fees,
            _rounded(row.profit_factor), _rounded(row.slippage_bps), asked.scope.currency,
        ))  # fmt: skip
    name = f"portico-{asked.scope.days}-days-{asked.scope.currency}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(out.getvalue(), mimetype="text/csv", headers=headers)


def _cell(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _rounded(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.4f}"
