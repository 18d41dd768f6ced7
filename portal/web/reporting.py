"""What the analytics pages of owners and administrators show: one question to the address bar, one page of
figures, one file of them. Reads only."""

import csv
import io
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from flask import Response, request

from portal.services.reports import counting, quality, results
from portal.services.reports.figures import Figures
from portal.services.reports.results import GroupBy
from portal.services.reports.scope import PERIODS, Scope
from portal.web import report_pictures

_DEFAULT_DAYS = 30
#: On the page; the file has all of them.
_DAYS_LISTED = 92
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see, and the figures of it; anything that is not offered is replaced by the
    default."""

    scope: Scope
    group: GroupBy
    currencies: list[str]
    figures: Figures

    @classmethod
    def from_request(cls, owner_id: int | None) -> "Asked":
        text = request.args.get("days", "")
        days = int(text) if text in {str(each) for each in PERIODS} else _DEFAULT_DAYS
        groups = {each.value: each for each in GroupBy}
        group = groups.get(request.args.get("by", ""), GroupBy.CONNECTION)
        scope = Scope(owner_id, days, request.args.get("currency", ""))
        figures = counting.figures(owner_id, scope.since.date(), ("day", group.kind))
        known = results.currencies(figures)
        if scope.currency not in known:
            scope = replace(scope, currency=known[0] if known else "USDT")
        return cls(scope, group, known, figures)

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
    figures = asked.figures
    days = results.by_day(figures, asked.scope)
    traded = [day for day in reversed(days) if day.trades]
    return {
        "asked": asked,
        "periods": PERIODS,
        "groups": list(GroupBy),
        "total": results.total(figures, asked.scope),
        "rows": results.grouped(figures, asked.scope, asked.group),
        "days": traded[:_DAYS_LISTED],
        "more_days": len(traded) - _DAYS_LISTED,
        "outcomes": quality.outcomes(figures),
        "refusals": quality.refusals(figures),
        "steps": quality.steps(figures.times),
        **report_pictures.of(asked.scope, figures, days),
    }


def as_csv(asked: Asked) -> Response:
    """The days and the groups of the report as a file; money with all its digits."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("day (UTC)", "closed", "won", "result", "fees", "currency"))
    for day in results.by_day(asked.figures, asked.scope):
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
    for row in results.grouped(asked.figures, asked.scope, asked.group):
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
