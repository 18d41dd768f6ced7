"""The first page: what needs attention now, as counts that lead to the rows."""

from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_admin import AdminIndexView
from redis import RedisError

from portal.admin import dashboard_money, dashboard_signals, held_words, machine_room
from portal.admin.access import AdminOnly
from portal.admin.machine_room import MachineRoom
from portal.admin.routing import route
from portal.admin.unresolved import orders_in_doubt
from portal.db import db, utcnow
from portal.models import (
    IN_DOUBT,
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Order,
    Signal,
    TradingState,
)
from portal.models.position import HELD
from portal.models.trading_state import SCOPES
from portal.services import price_alarms, trading_state
from portal.services.reports import count_quality, quality
from portal.services.reports.stretch import Stretch
from portal.services.traffic_budget import Spent, spent
from portal.services.traffic_report import HeldBack, held_back
from portal.trading.types import ConnectionStatus, Protection, TradingStateValue
from portal.web import words


class DashboardView(AdminOnly, AdminIndexView):  # type: ignore[misc]
    @route("/")
    def index(self) -> str:
        """The page."""
        today = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
        of_today, recent = dashboard_signals.published(today)
        return str(
            self.render(
                "admin/index.html",
                attention=_attention(),
                activity=_activity(today),
                room=_room(),
                sums=dashboard_money.results(today),
                equity=dashboard_money.equity(today),
                steps=quality.steps(count_quality.times(Stretch(None, today))[0]),
                words=words,
                switches=_switches(),
                whom=trading_state.named,
                held=held_words.said(_held()),
                budgets=_budgets(),
                scopes=SCOPES,
                of_today=of_today,
                recent=recent,
            )
        )


def _count(model: Any, *conditions: Any) -> int:
    return int(db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions)) or 0)


def _attention() -> dict[str, int]:
    live = ExecutionPosition.status.in_(HELD)
    return {
        "unresolved": orders_in_doubt(),
        "in_error": _count(ExecutionConnection, ExecutionConnection.status == ConnectionStatus.ERROR),
        "unprotected": _count(ExecutionPosition, live, ExecutionPosition.protection == Protection.FAILED),
        "unpriced": sum(price_alarms.counts(utcnow()).values()),
    }


def _activity(today: Any) -> dict[str, int]:
    live = ExecutionPosition.status.in_(HELD)
    return {
        "open_positions": _count(ExecutionPosition, live),
        "signals": _count(Signal, Signal.published_at >= today),
        "executions": _count(Execution, Execution.created_at >= today),
        "in_flight": _count(Order, Order.state.in_(IN_DOUBT)),
        "connections": _count(ExecutionConnection, ExecutionConnection.is_active),
    }


def _room() -> MachineRoom:
    try:
        return machine_room.look(current_app.extensions["portal_redis"])
    except RedisError:
        return machine_room.without_redis()


def _switches() -> list[TradingState]:
    return list(
        db.session.scalars(
            sa.select(TradingState)
            .where(TradingState.state != TradingStateValue.ACTIVE)
            .order_by(TradingState.set_at.desc())
            .limit(20)
        )
    )


def _held() -> list[HeldBack]:
    """Exchanges and accounts that are not asked now; none when Redis does not answer."""
    try:
        return held_back()[:20]
    except RedisError:
        return []


def _budgets() -> list[Spent] | None:
    """What is spent of the budgets of requests, by venue; None when Redis does not answer."""
    try:
        return spent()
    except RedisError:
        return None
