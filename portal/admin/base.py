"""The parent of all table views: administrators only; nothing is shown or changed that a view did not list.

A view that forgets one of the lists, or lists a secret, fails when its class is created.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Response, flash, request
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import BaseForm

from portal.admin.access import AdminOnly, actor
from portal.admin.values import TYPES, csv_cell
from portal.admin.writing import Writing
from portal.db import transaction
from portal.services import audit

#: What every view has to say, in its own class body.
REQUIRED = (
    "column_list",
    "column_details_list",
    "column_export_list",
    "column_searchable_list",
    "column_filters",
    "column_sortable_list",
    "form_columns",
)
#: Columns that exist on some model and must never reach a page, a file, a search box or a form.
SECRET_COLUMNS = frozenset({
    "password", "credentials", "uid", "token_hash", "fs_uniquifier", "totp_seed", "mf_recovery_codes",
    "claim_token", "credential_id", "totp_counter", "tf_totp_secret",
})  # fmt: skip
_MAX_PAGE_SIZE = 200
_LAST_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Button:
    """Something to do with one row. Changes are asked for by POST; a GET only leads to a page."""

    label: str
    url: str
    post: bool = False
    kind: str = ""
    confirm: str = ""


class PortalModelView(Writing, AdminOnly, ModelView):  # type: ignore[misc]
    """Deny by default: read-only until a view says otherwise."""

    can_create = can_edit = can_delete = False
    can_view_details = can_export = True
    can_set_page_size = True
    page_size = 50
    page_size_options = (20, 50, 100, 200)
    export_types = ("csv",)
    export_max_rows = 10_000
    form = BaseForm
    action_disallowed_list = ("delete",)
    column_type_formatters = column_type_formatters_detail = TYPES
    #: Exports write plain values, not what pages show.
    column_formatters_export: ClassVar[dict[str, Any]] = {}
    column_type_formatters_export: ClassVar[dict[type, Any]] = {
        object: lambda _view, value, _name: csv_cell(value)
    }
    list_template = "admin/model/list.html"
    #: Columns that hold numbers, and long sentences.
    number_columns: tuple[str, ...] = ()
    text_columns: tuple[str, ...] = ()
    #: Facts that tell something by being absent; the others are left out of the details then.
    telling_if_none: tuple[str, ...] = ()
    #: One sentence under the heading, and one for an empty list.
    introduction = ""
    empty_message = "Nothing here yet."
    #: Every so many seconds the list is read again while somebody looks at it; 0 = never.
    live_seconds = 0
    #: Titles and field names, when a form has parts.
    form_sections: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_lists(cls)

    def get_one(self, id: Any) -> Any:  # noqa: A002 - Flask-Admin's name
        """The row with the id of the address, or None. Anything but a number is no id."""
        text = str(id)
        return super().get_one(text) if text.isascii() and text.isdigit() and len(text) < 18 else None

    def get_column_name(self, field: str) -> str:
        return str((self.column_labels or {}).get(field) or field.replace("_", " ").capitalize())

    def search_placeholder(self) -> str:
        names = [self.get_column_name(str(name)) for name in self.column_searchable_list]
        return f"Search {', '.join(names).lower()}"

    def get_empty_list_message(self) -> str:
        return self.empty_message

    def get_safe_page_size(self, page_size: int | None) -> int:
        return min(page_size, _MAX_PAGE_SIZE) if page_size and page_size > 0 else self.page_size

    def may_edit(self, _model: Any) -> bool:
        """Whether this row can be edited, where rows can be edited at all."""
        return bool(self.can_edit)

    def buttons(self, _model: Any) -> list[Button]:
        """What can be done with this row, besides editing."""
        return []

    def get_column_class(self, name: str) -> str:
        if name in self.number_columns:
            return "right"
        return "text" if name in self.text_columns else ""

    def _get_list_extra_args(self) -> Any:
        found = super()._get_list_extra_args()
        found.page = min(max(found.page, 0), _LAST_PAGE)
        return found

    def _get_list_filter_args(self) -> list[tuple[int, str, str]] | None:
        """Like Flask-Admin's, but an empty field of the filter form is no filter."""
        found = []
        for index, each in enumerate(self._filters or ()):
            value = request.args.get(f"flt{index}_{index}", "").strip()
            if value and each.validate(value):
                found.append((index, str(each.name), value))
            elif value:
                flash(f"“{value[:40]}” is no value for the filter {each.name}; it was ignored.", "warning")
        return found

    def _get_filters(self, filters: Any) -> dict[str, str]:
        return {f"flt{index}_{index}": value for index, _, value in filters or ()}

    def _export_csv(self, return_url: Any) -> Response:
        with transaction():
            # The one thing that reading writes: who took a list out of the house, and which.
            audit.record(
                actor(),
                f"portal.{self.noun}.exported",
                self.noun,
                filters=request.query_string.decode()[:500],
            )
        response: Response = super()._export_csv(return_url)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def check_lists(cls: type) -> None:
    """Raise TypeError unless `cls` lists everything, and no secret."""
    for name in REQUIRED:
        if name not in cls.__dict__:
            raise TypeError(f"{cls.__name__} has to say {name} itself; an empty tuple is an answer")
        for column in cls.__dict__[name]:
            if _column_name(column) in SECRET_COLUMNS:
                raise TypeError(f"{cls.__name__}.{name} must not contain {column}")
    declared = {name for name in dir(cls.form) if hasattr(getattr(cls.form, name), "field_class")}  # type: ignore[attr-defined]
    if declared != set(cls.__dict__["form_columns"]):
        raise TypeError(f"{cls.__name__}.form_columns and the fields of its form differ: {declared}")


def _column_name(column: Any) -> str:
    if isinstance(column, tuple):
        column = column[0]
    text = column if isinstance(column, str) else getattr(getattr(column, "column", column), "key", "")
    return str(text).rpartition(".")[2]
