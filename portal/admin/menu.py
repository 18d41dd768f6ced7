"""The menu of the administration: which view stands where, in the order in which a day goes."""

from typing import Any

from portal import models
from portal.admin.channels import ChannelView
from portal.admin.connections import ConnectionView
from portal.admin.data_connections import DataConnectionView
from portal.admin.executions import ExecutionView
from portal.admin.foreign import ForeignView
from portal.admin.invitations import InvitationView
from portal.admin.jobs import JobsView
from portal.admin.logs import LogView
from portal.admin.plans import PlanView, SubscriptionView
from portal.admin.positions import PositionView
from portal.admin.presets import PresetView
from portal.admin.records import AnalyticsView, AuditView, NotificationView
from portal.admin.report import ReportView
from portal.admin.rq_panel import QueuesView
from portal.admin.settings import SettingsView
from portal.admin.signals import SignalView
from portal.admin.tokens import TokenView
from portal.admin.trading_state import TradingStateView
from portal.admin.unresolved import UnresolvedView
from portal.admin.users import UserView

#: Per group: view, model, name in the menu, path below /admin/. What needs somebody comes first.
GROUPS: dict[str, tuple[tuple[type[Any], type[Any] | None, str, str], ...]] = {
    "Needs you": (
        (UnresolvedView, models.Order, "Unresolved", "unresolved"),
        (ForeignView, models.ForeignHolding, "Not ours", "foreign"),
    ),
    "Trading": (
        (SignalView, models.Signal, "Signals", "signals"),
        (ExecutionView, models.Execution, "Executions", "executions"),
        (PositionView, models.ExecutionPosition, "Positions", "positions"),
        (TradingStateView, models.TradingState, "Trading state", "trading_state"),
        (ReportView, None, "Analytics", "report"),
        (AnalyticsView, models.ExecutionAnalytics, "Nightly figures", "analytics"),
    ),
    "Accounts": (
        (ConnectionView, models.ExecutionConnection, "Connections", "connections"),
        (DataConnectionView, models.DataConnection, "Data connections", "data_connections"),
        (PresetView, models.TradingPreset, "Presets", "presets"),
    ),
    "People": (
        (UserView, models.User, "Users", "users"),
        (InvitationView, models.Invitation, "Invitations", "invitations"),
        (PlanView, models.Plan, "Plans", "plans"),
        (SubscriptionView, models.Subscription, "Subscriptions", "subscriptions"),
        (TokenView, models.ApiToken, "API tokens", "tokens"),
        (ChannelView, models.NotificationChannel, "Channels", "channels"),
        (NotificationView, models.Notification, "Notifications", "notifications"),
    ),
    "Machine": (
        (JobsView, None, "Jobs", "jobs"),
        (QueuesView, None, "Queues", "rq"),
        (LogView, models.ExecutionLog, "Logs", "logs"),
        (AuditView, models.AuditEntry, "Audit", "audit"),
        (SettingsView, None, "Settings", "settings"),
    ),
}
