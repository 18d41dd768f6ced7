"""Plans and who is subscribed to them."""

from typing import Any

import sqlalchemy as sa
from flask_admin.form import BaseForm
from wtforms import BooleanField
from wtforms.validators import InputRequired, Length

from portal.admin import values
from portal.admin.base import PortalModelView
from portal.admin.fields import MomentField, RowField, TextField
from portal.admin.filters import YES_NO, Choice, Contains
from portal.db import db, utcnow
from portal.errors import ConflictError, ValidationError
from portal.models import Plan, Subscription, User, plan_signals


class PlanForm(BaseForm):  # type: ignore[misc]
    name = TextField("Name", validators=[InputRequired("A plan needs a name."), Length(max=100)])
    description = TextField("Description", validators=[Length(max=500)])
    is_active = BooleanField("Active", default=True, description="Closed plans carry no new signals.")
    is_open = BooleanField("Open", description="People subscribe and end it by themselves.")


class PlanView(PortalModelView):
    noun = "plan"
    can_create = can_edit = can_delete = True
    form = PlanForm
    form_columns = ("name", "description", "is_active", "is_open")
    introduction = "A plan carries signals to everybody who is subscribed to it."
    empty_message = "No plan yet. Without one, signals reach admin-owned accounts only."
    column_list = ("name", "description", "is_active", "is_open", "created_at")
    column_details_list = ("name", "description", "is_active", "is_open", "created_at", "updated_at")
    column_export_list = ("id", "name", "description", "is_active", "is_open", "created_at")
    column_searchable_list = ("name",)
    column_sortable_list = ("name", "created_at")
    column_filters = (Choice(Plan.is_active, "Active", YES_NO),)
    column_labels = {"is_active": "Active", "is_open": "Open"}
    text_columns = ("description",)

    def store_new(self, form: Any) -> Any:
        _refuse_taken_name(form.name.data, None)
        return super().store_new(form)

    def store_changes(self, form: Any, row_id: int) -> Any:
        _refuse_taken_name(form.name.data, row_id)
        return super().store_changes(form, row_id)

    def remove(self, row_id: int) -> Any:
        used = sa.select(
            sa.exists().where(Subscription.plan_id == row_id)
            | sa.exists().where(plan_signals.c.plan_id == row_id)
        )
        if db.session.scalar(used):
            raise ConflictError("The plan is in use, so it was not deleted. Close it by making it inactive.")
        return super().remove(row_id)


def _refuse_taken_name(name: str, row_id: int | None) -> None:
    other = db.session.scalar(sa.select(Plan.id).where(Plan.name == name))
    if other not in (None, row_id):
        raise ValidationError({"name": "Another plan has this name."})


class SubscriptionForm(BaseForm):  # type: ignore[misc]
    user_id = RowField("User", lambda: sa.select(User.id, User.email).order_by(User.email))
    plan_id = RowField("Plan", lambda: sa.select(Plan.id, Plan.name).order_by(Plan.name))
    starts_at = MomentField("Starts at (UTC)", default=utcnow)
    ends_at = MomentField("Ends at (UTC)", description="Empty: until canceled.")
    canceled_at = MomentField("Canceled at (UTC)", description="Set it to end the subscription.")


class SubscriptionView(PortalModelView):
    noun = "subscription"
    can_create = can_edit = True
    form = SubscriptionForm
    form_columns = ("user_id", "plan_id", "starts_at", "ends_at", "canceled_at")
    introduction = "While a subscription is current, the plan's signals reach the user's accounts."
    empty_message = "Nobody is subscribed to anything yet."
    column_default_sort = ("id", True)
    column_select_related_list = (Subscription.user, Subscription.plan)
    column_list = ("user", "plan", "is_current", "starts_at", "ends_at", "canceled_at")
    column_details_list = ("user", "plan", "is_current", "starts_at", "ends_at", "canceled_at", "created_at")
    column_export_list = ("id", "user", "plan", "is_current", "starts_at", "ends_at", "canceled_at")
    column_searchable_list = ()
    column_sortable_list = ("starts_at", "ends_at")
    column_filters = (
        Contains("user.email", "User"),
        Contains("plan.name", "Plan"),
    )
    column_labels = {"is_current": "Status"}
    telling_if_none = ("ends_at",)
    column_formatters = {
        "is_current": lambda _v, _c, row, _n: values.status_badge("current" if row.is_current else "ended")
    }

    def store_new(self, form: Any) -> Any:
        _check_period(form)
        return super().store_new(form)

    def store_changes(self, form: Any, row_id: int) -> Any:
        _check_period(form)
        return super().store_changes(form, row_id)


def _check_period(form: Any) -> None:
    if form.starts_at.data is None:
        raise ValidationError({"starts_at": "A subscription needs a start."})
    if form.ends_at.data is not None and form.ends_at.data <= form.starts_at.data:
        raise ValidationError({"ends_at": "The end must be after the start."})
