"""The administration: one view per thing, grouped in the order in which people work."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from portal import models
from portal.admin.channels import ChannelView
from portal.admin.connections import ConnectionView
from portal.admin.dashboard import DashboardView
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
from portal.db import db
from portal.web.headers import csp_nonce

#: View, model, name in the menu, path below /admin/, group.
VIEWS = (
    (SignalView, models.Signal, "Signals", "signals", "Trading"),
    (ExecutionView, models.Execution, "Executions", "executions", "Trading"),
    (UnresolvedView, models.Order, "Unresolved", "unresolved", "Trading"),
    (PositionView, models.ExecutionPosition, "Positions", "positions", "Trading"),
    (ForeignView, models.ForeignHolding, "Not ours", "foreign", "Trading"),
    (TradingStateView, models.TradingState, "Trading state", "trading_state", "Trading"),
    (ConnectionView, models.ExecutionConnection, "Connections", "connections", "Accounts"),
    (DataConnectionView, models.DataConnection, "Data connections", "data_connections", "Accounts"),
    (PresetView, models.TradingPreset, "Presets", "presets", "Accounts"),
    (PlanView, models.Plan, "Plans", "plans", "People"),
    (SubscriptionView, models.Subscription, "Subscriptions", "subscriptions", "People"),
    (UserView, models.User, "Users", "users", "People"),
    (InvitationView, models.Invitation, "Invitations", "invitations", "People"),
    (TokenView, models.ApiToken, "API tokens", "tokens", "People"),
    (ChannelView, models.NotificationChannel, "Channels", "channels", "People"),
    (LogView, models.ExecutionLog, "Logs", "logs", "Records"),
    (AnalyticsView, models.ExecutionAnalytics, "Nightly figures", "analytics", "Records"),
    (NotificationView, models.Notification, "Notifications", "notifications", "Records"),
    (AuditView, models.AuditEntry, "Audit", "audit", "Records"),
)


def init_app(app: Flask) -> None:
    """Attach the administration at `/admin/` and the queues at `/admin/rq/`. Opens no connection."""
    admin = Admin(
        app,
        name="Portico",
        index_view=DashboardView(name="Dashboard", url="/admin"),
        theme=Bootstrap4Theme(),
        csp_nonce_generator=csp_nonce,
    )
    for view, model, name, path, group in VIEWS:
        # Endpoints have a prefix, so that they cannot collide with the portal's pages.
        admin.add_view(view(model, db, name=name, endpoint=f"admin_{path}", url=path, category=group))
    admin.add_view(ReportView(name="Analytics", endpoint="admin_report", url="report", category="Records"))
    admin.add_view(JobsView(name="Jobs", endpoint="admin_jobs", url="jobs", category="Records"))
    admin.add_view(
        SettingsView(name="Settings", endpoint="admin_settings", url="settings", category="Records")
    )
    admin.add_view(QueuesView(name="Queues", endpoint="rq_dashboard", url="rq", category="Records"))
