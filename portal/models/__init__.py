"""The tables, one file per noun. Columns and small questions about one row; no I/O, no commits."""

from portal.models.analytics import ExecutionAnalytics
from portal.models.audit import AuditEntry, AuditHead
from portal.models.channel import NotificationChannel, NotificationDelivery
from portal.models.close_wish import CloseWish
from portal.models.connection import ExecutionConnection
from portal.models.data_connection import DataConnection
from portal.models.difference import BookDifference
from portal.models.execution import UNSETTLED, Execution
from portal.models.foreign import ForeignHolding
from portal.models.invitation import Invitation
from portal.models.lease import JobLease
from portal.models.log import ExecutionLog
from portal.models.market_doubt import MarketDoubt, PriceAlarm
from portal.models.notification import Notification
from portal.models.order import IN_DOUBT, RESTING, Fill, Order
from portal.models.paper import (
    PaperAccountRow,
    PaperBalanceRow,
    PaperFillRow,
    PaperOrderRow,
    PaperPositionRow,
)
from portal.models.passkey import Passkey
from portal.models.plan import Plan, Subscription, plan_signals
from portal.models.position import ExecutionPosition
from portal.models.preset import TradingPreset
from portal.models.question import OrderQuestion
from portal.models.report import ReportBlock, ReportChange
from portal.models.session import UserSession
from portal.models.signal import Signal, publish_sequence
from portal.models.token import ApiToken
from portal.models.trading_state import TradingState
from portal.models.user import ADMIN, TRADER, Role, User

__all__ = [
    "ADMIN",
    "IN_DOUBT",
    "RESTING",
    "TRADER",
    "UNSETTLED",
    "ApiToken",
    "AuditEntry",
    "AuditHead",
    "BookDifference",
    "CloseWish",
    "DataConnection",
    "Execution",
    "ExecutionAnalytics",
    "ExecutionConnection",
    "ExecutionLog",
    "ExecutionPosition",
    "Fill",
    "ForeignHolding",
    "Invitation",
    "JobLease",
    "MarketDoubt",
    "Notification",
    "NotificationChannel",
    "NotificationDelivery",
    "Order",
    "OrderQuestion",
    "PaperAccountRow",
    "PaperBalanceRow",
    "PaperFillRow",
    "PaperOrderRow",
    "PaperPositionRow",
    "Passkey",
    "Plan",
    "PriceAlarm",
    "ReportBlock",
    "ReportChange",
    "Role",
    "Signal",
    "Subscription",
    "TradingPreset",
    "TradingState",
    "User",
    "UserSession",
    "plan_signals",
    "publish_sequence",
]
