"""Channels of everybody, to see which of them work. Their owners make and change them; addresses are
secret."""

from typing import Any

from markupsafe import Markup

from portal.admin import people, values
from portal.admin.base import PortalModelView
from portal.admin.filters import Contains, Number
from portal.models import NotificationChannel


def _state(_view: Any, _context: Any, model: NotificationChannel, _name: str) -> Any:
    if not model.is_active:
        return values.status_badge("paused")
    return values.status_badge("error" if model.last_error else "active")


def _goes_to(_view: Any, _context: Any, model: NotificationChannel, _name: str) -> Markup:
    return Markup('{} <span class="small-text muted">{}</span>').format(model.service, model.shown_as)


class ChannelView(PortalModelView):
    noun = "channel"
    introduction = "Where people are told outside the portal. They make these themselves, on their own pages."
    empty_message = "Nobody has a channel yet: everybody is told in the portal only."
    column_default_sort = ("id", True)
    column_list = ("name", "user_id", "shown_as", "is_active", "last_error", "last_sent_at")
    column_details_list = (
        "name", "user_id", "service", "shown_as", "types", "digest", "quiet_from", "quiet_to", "time_zone",
        "is_active", "failures", "last_error", "last_sent_at", "created_at", "updated_at",
    )  # fmt: skip
    column_export_list = (
        "id", "name", "user_id", "service", "is_active", "failures", "last_error", "last_sent_at",
    )  # fmt: skip
    column_searchable_list = ("name", "service")
    column_sortable_list = ("last_sent_at", "failures")
    column_filters = (
        Contains(NotificationChannel.service, "Service"),
        Number(NotificationChannel.user_id, "User number"),
    )
    form_columns = ()
    column_labels = {
        "user_id": "User", "shown_as": "Address", "is_active": "State", "last_sent_at": "Last message",
    }  # fmt: skip
    column_formatters = {"user_id": people.email_of, "is_active": _state, "shown_as": _goes_to}
    column_formatters_detail = {"user_id": people.email_of, "is_active": _state}
    text_columns = ("last_error",)
    telling_if_none = ("last_sent_at",)
