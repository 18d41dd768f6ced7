"""A person's own presets, and the ones that everybody may use."""

from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import db
from portal.errors import ValidationError
from portal.models import ExecutionConnection, TradingPreset
from portal.services import presets as service
from portal.services.connections import usable_presets
from portal.trading.preset import PresetRules, parse_preset
from portal.web.access import me, pages
from portal.web.connection_forms import show_errors
from portal.web.preset_example import Words, example_of
from portal.web.preset_forms import PresetForm
from portal.web.scoping import one, owned_by
from portal.web.seen import fingerprint, said

presets = pages("presets", __name__, "/presets")

_SEEN = PresetRules.field_names()


@presets.get("")
def index() -> str:
    user = me()
    mine = owned_by(user, TradingPreset).order_by(TradingPreset.name)
    others = usable_presets(user).where(TradingPreset.owner_id.is_distinct_from(user.id))
    used = owned_by(user, ExecutionConnection).where(ExecutionConnection.preset_id.is_not(None)).subquery()
    counts = sa.select(used.c.preset_id, sa.func.count()).group_by(used.c.preset_id)
    return render_template(
        "web/presets.html",
        mine=db.session.scalars(mine).all(),
        others=db.session.scalars(others.order_by(TradingPreset.name)).all(),
        used={row[0]: row[1] for row in db.session.execute(counts)},
    )


@presets.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    user, form = me(), PresetForm()
    if form.validate_on_submit():
        try:
            made = service.create(form.values(), owner=user, actor=user)
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash(f"{made.name} was made. Choose it on a connection to trade by it.", "success")
            return redirect(url_for("presets.index"))
    return _answer(form, None)


@presets.route("/<row_id:preset_id>/edit", methods=["GET", "POST"])
def edit(preset_id: int) -> ResponseReturnValue:
    user = me()
    preset = one(owned_by(user, TradingPreset), TradingPreset, preset_id)
    form = PresetForm.for_preset(preset)
    if form.validate_on_submit() and not said(form, preset, _SEEN, "preset"):
        try:
            service.update(preset_id, form.values(), owner=user, actor=user)
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash("The preset was changed. The next signal is traded by it.", "success")
            return redirect(url_for("presets.index"))
    return _answer(form, preset)


@presets.post("/example")
def example() -> ResponseReturnValue:
    """The form once more, with what it would do; nothing is stored."""
    return _checked(PresetForm(), None)


@presets.post("/<row_id:preset_id>/example")
def example_of_one(preset_id: int) -> ResponseReturnValue:
    """The same for one that exists; what the form does not show counts as it is."""
    return _checked(PresetForm(), one(owned_by(me(), TradingPreset), TradingPreset, preset_id))


@presets.post("/<row_id:preset_id>/delete")
def delete(preset_id: int) -> ResponseReturnValue:
    preset = one(owned_by(me(), TradingPreset), TradingPreset, preset_id)
    service.remove(preset.id, owner=me(), actor=me())
    flash("The preset was deleted.", "success")
    return redirect(url_for("presets.index"))


def _checked(form: PresetForm, preset: TradingPreset | None) -> ResponseReturnValue:
    form.validate()
    try:
        parse_preset(_stored(preset) | form.values())
    except ValidationError as error:
        # A field that is called wrong already keeps its first reason.
        new = {name: reason for name, reason in error.errors.items() if name not in form.errors}
        show_errors(form, ValidationError(new))
    return _page(form, preset, request.form.get("seen", ""))


def _answer(form: PresetForm, preset: TradingPreset | None) -> ResponseReturnValue:
    page = _page(form, preset, fingerprint(preset, _SEEN) if preset is not None else "")
    return (page, 422) if form.errors or form.form_errors else page


def _page(form: PresetForm, preset: TradingPreset | None, seen: str) -> str:
    shown = _example(form, preset)
    return render_template("web/preset_form.html", form=form, preset=preset, seen=seen, example=shown)


def _example(form: PresetForm, preset: TradingPreset | None) -> Words | None:
    try:
        return example_of(_stored(preset) | form.values())
    except ValidationError:
        return None


def _stored(preset: TradingPreset | None) -> dict[str, Any]:
    return preset.rules().to_dict() if preset is not None else {}
