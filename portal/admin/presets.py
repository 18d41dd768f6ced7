"""Presets: how accounts trade a signal. A preset that `parse_preset` refuses is never stored."""

from typing import Any

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from wtforms import Form

from portal.admin import people, values
from portal.admin.access import actor
from portal.admin.base import PortalModelView
from portal.admin.filters import YES_NO, Choice, Contains
from portal.admin.preset_form import FIELDS, SECTIONS, PresetForm
from portal.admin.routing import route
from portal.admin.writing import changes, show_errors
from portal.db import db, transaction
from portal.errors import ConflictError, ValidationError
from portal.models import ExecutionConnection, TradingPreset
from portal.services import audit
from portal.services.importing_presets import columns
from portal.trading.preset import PresetRules, parse_preset
from portal.trading.types import SizingMode, Visibility
from portal.web.preset_example import Words, example_of


class PresetView(PortalModelView):
    noun = "preset"
    can_create = can_edit = can_delete = True
    form = PresetForm
    form_columns = FIELDS
    form_sections = SECTIONS
    create_template = edit_template = "admin/preset_form.html"
    introduction = "How an account trades a signal: size, order, exits and limits."
    empty_message = "No preset yet. Accounts without one use the built-in defaults."
    column_default_sort = "name"
    column_list = (
        "name",
        "enabled",
        "visibility",
        "market_type",
        "sizing_mode",
        "sizing_value",
        "stop_loss_mode",
        "owner_id",
    )
    column_details_list = (*FIELDS[:-4], "trading_hours", "created_at", "updated_at")
    column_export_list = (
        "id",
        "name",
        "description",
        "enabled",
        "visibility",
        "sizing_mode",
        "sizing_value",
        "owner_id",
    )
    column_searchable_list = ("name", "description")
    column_sortable_list = ("name",)
    column_filters = (
        Choice(TradingPreset.enabled, "Enabled", YES_NO),
        Choice(TradingPreset.visibility, "Visibility", Visibility),
        Choice(TradingPreset.sizing_mode, "Size by", SizingMode),
        Contains(TradingPreset.name, "Name"),
    )
    column_labels = {name: getattr(PresetForm, name).args[0] for name in FIELDS} | {"enabled": "Status"}
    column_formatters = {
        "enabled": lambda _v, _c, row, _n: values.status_badge("enabled" if row.enabled else "disabled"),
        "owner_id": people.email_of,
        "take_profits": values.targets,
    }
    number_columns = ("sizing_value",)
    telling_if_none = ("max_notional", "max_open_positions", "max_daily_loss_percent")

    def edit_form(self, obj: Any = None) -> Form:
        form = super().edit_form(obj)
        if form.name.raw_data is None and obj is not None:
            form.show(obj)
        return form

    @route("/example", methods=("POST",))
    def example_view(self) -> ResponseReturnValue:
        """The form once more, with what it would do; nothing is stored."""
        form, model = self.create_form(), self.get_one(request.args.get("id"))
        self.validate_form(form)
        try:
            parse_preset(form.to_data())
        except ValidationError as error:
            # A field that is called wrong already keeps its first reason.
            new = {name: reason for name, reason in error.errors.items() if name not in form.errors}
            show_errors(form, ValidationError(new))
        page = self.render(self.edit_template, form=form, model=model, seen=request.form.get("seen"))
        return str(page)

    def example(self, form: Any) -> Words | None:
        """What the preset would do, or None while something in the form is wrong."""
        if any(field.errors or field.process_errors for field in form if field.name != "name"):
            return None
        try:
            return example_of(form.to_data())
        except ValidationError:
            return None

    def store_new(self, form: Form) -> Any:
        rules = parse_preset(form.to_data())
        with transaction() as session:
            preset = TradingPreset(name=rules.name)
            _fill(preset, rules, form)
            session.add(preset)
            session.flush()
            audit.record(actor(), "portal.preset.created", "preset", preset.id, **changes(form))
        return preset

    def store_changes(self, form: Form, row_id: int) -> Any:
        rules = parse_preset(form.to_data())
        with transaction() as session:
            preset = session.get_one(TradingPreset, row_id, with_for_update={"of": TradingPreset})
            _fill(preset, rules, form)
            audit.record(actor(), "portal.preset.changed", "preset", preset.id, **changes(form))
        return preset

    def remove(self, row_id: int) -> Any:
        if db.session.scalar(sa.select(sa.exists().where(ExecutionConnection.preset_id == row_id))):
            raise ConflictError(
                "Connections use this preset, so it was not deleted. Give them another one first."
            )
        return super().remove(row_id)


def _fill(preset: TradingPreset, rules: PresetRules, form: BaseForm) -> None:
    for name, value in columns(rules).items():
        setattr(preset, name, value)
    preset.owner_id, preset.enabled = form.owner_id.data, form.enabled.data
    preset.visibility = form.visibility.data
    taken = sa.select(TradingPreset.id).where(
        TradingPreset.name == rules.name, TradingPreset.owner_id.is_not_distinct_from(preset.owner_id)
    )
    with db.session.no_autoflush:
        if db.session.scalar(taken) not in (None, preset.id):
            raise ValidationError({"name": "This owner has a preset with this name already."})
