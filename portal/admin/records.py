"""What is only read: nightly figures, notifications, and the audit trail. The execution log: `logs.py`."""

from typing import Any

from portal.admin import links, people, values
from portal.admin.base import PortalModelView
from portal.admin.filters import Choice, Contains, Number, Since, Until
from portal.models import AuditEntry, ExecutionAnalytics, Notification
from portal.services import audit_chain
from portal.trading.types import NotificationType

#: Entries that are hashed again for every look at the audit page.
_CHECKED = 1000


class AnalyticsView(PortalModelView):
    noun = "analytics"
    introduction = "One row per account and UTC day, written shortly after midnight."
    empty_message = "No figures yet. They are written at 00:05 UTC."
    column_default_sort = ("date", True)
    #: The table grows for ever: no counting.
    simple_list_pager = True
    column_list = (
        "date", "connection_name", "trades", "win_rate", "realized_pnl", "fees", "slippage_bps",
        "max_drawdown", "equity",
    )  # fmt: skip
    column_details_list = (
        "date", "connection_name", "trades", "wins", "losses", "win_rate", "profit_factor", "expectancy",
        "average_win",
        "average_loss", "sharpe", "sortino", "max_drawdown", "realized_pnl", "fees", "slippage_bps",
        "latency_p50_ms",
        "latency_p90_ms", "latency_p99_ms", "balance", "equity", "currency",
    )  # fmt: skip
    column_export_list = column_details_list
    column_searchable_list = ("connection_name",)
    column_sortable_list = ("date", "trades", "realized_pnl")
    column_filters = (
        Contains(ExecutionAnalytics.connection_name, "Connection"),
        Number(ExecutionAnalytics.connection_id, "Connection number"),
    )
    form_columns = ()
    column_labels = {
        "connection_name": "Connection", "realized_pnl": "Result", "slippage_bps": "Slippage (bps)",
        "win_rate": "Wins (%)", "max_drawdown": "Drawdown (%)", "latency_p50_ms": "Latency p50 (ms)",
        "latency_p90_ms": "Latency p90 (ms)", "latency_p99_ms": "Latency p99 (ms)",
    }  # fmt: skip
    column_formatters = {
        name: values.money_in("currency", signed=name in ("realized_pnl", "expectancy"))
        for name in ("realized_pnl", "fees", "equity", "balance", "expectancy", "average_win", "average_loss")
    } | dict.fromkeys(
        ("win_rate", "profit_factor", "sharpe", "sortino", "max_drawdown", "slippage_bps"), values.rounded
    )
    number_columns = (
        "trades", "win_rate", "realized_pnl", "fees", "slippage_bps", "max_drawdown", "equity",
    )  # fmt: skip
    telling_if_none = ("profit_factor", "sharpe", "sortino", "max_drawdown")


class NotificationView(PortalModelView):
    noun = "notification"
    introduction = "What account owners and administrators were told."
    empty_message = "Nobody was told anything yet."
    column_default_sort = ("id", True)
    simple_list_pager = True
    column_list = ("created_at", "type", "title", "user_id", "connection_id", "read_at")
    column_details_list = (
        "created_at", "type", "title", "body", "user_id", "connection_id", "execution_id", "position_id",
        "read_at",
    )  # fmt: skip
    column_export_list = ("id", "created_at", "type", "title", "body", "user_id", "connection_id", "read_at")
    column_searchable_list = ()
    column_sortable_list = ("created_at",)
    column_filters = (
        Choice(Notification.type, "Type", NotificationType),
        Number(Notification.user_id, "User number"),
        Since(Notification.created_at, "Time"),
        Until(Notification.created_at, "Time"),
    )
    form_columns = ()
    column_labels = {
        "created_at": "When", "user_id": "User", "connection_id": "Connection", "execution_id": "Execution",
        "position_id": "Position", "read_at": "Read",
    }  # fmt: skip
    column_formatters = links.ROWS | {"type": values.badge, "user_id": people.email_of}
    number_columns = ("connection_id",)
    text_columns = ("title",)

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        count, rows = super().get_list(*args, **kwargs)
        people.remember(row.user_id for row in rows)
        return count, rows


class AuditView(PortalModelView):
    noun = "audit"
    list_template = "admin/audit.html"
    introduction = "Who did what to what. Rows are only ever added."
    empty_message = "Nobody changed anything yet."
    column_default_sort = ("id", True)
    simple_list_pager = True
    column_list = ("at", "actor", "action", "object_type", "object_id", "data")
    column_details_list = ("at", "actor", "action", "object_type", "object_id", "data")
    column_export_list = ("id", "at", "actor", "action", "object_type", "object_id", "data")
    column_searchable_list = ("actor", "action")
    column_sortable_list = ("at",)
    column_filters = (
        Contains(AuditEntry.actor, "Who"),
        Contains(AuditEntry.action, "Action"),
        Number(AuditEntry.object_id, "Object number"),
        Since(AuditEntry.at, "Time"),
        Until(AuditEntry.at, "Time"),
    )
    form_columns = ()
    column_labels = {"at": "When", "actor": "Who", "object_type": "Object", "object_id": "No."}
    column_formatters = {"action": values.mono, "data": values.brief}
    column_formatters_detail = {"action": values.mono}
    number_columns = ("object_id",)
    text_columns = ("data",)

    def chain(self) -> audit_chain.Chain:
        """Whether the newest entries are as they were written."""
        return audit_chain.verify(newest=_CHECKED)
