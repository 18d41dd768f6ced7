"""Where a person is told outside the portal: adding, testing, pausing. Nothing is sent from here: workers
do."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from portal.errors import ConflictError, ValidationError
from portal.models import NotificationChannel
from portal.services.channels import managing
from portal.services.channels.addresses import EXAMPLES
from portal.web.access import me, pages
from portal.web.channel_forms import KINDS, ChannelForm, show_errors
from portal.web.connections import fresh_login
from portal.web.paging import page_of
from portal.web.scoping import one, owned_by
from portal.web.seen import fingerprint, said

#: What the form shows of a stored channel.
_EDITED = ("name", "types", "digest", "quiet_from", "quiet_to", "time_zone")

channels = pages("channels", __name__, "/notifications/channels")


@channels.get("")
def index() -> str:
    page = page_of(owned_by(me(), NotificationChannel), NotificationChannel)
    return render_template("web/channels.html", page=page, kinds=KINDS)


@channels.route("/new", methods=["GET", "POST"])
@fresh_login
def new() -> str | Response | tuple[str, int]:
    form = ChannelForm.empty()
    if form.validate_on_submit():
        try:
            made = managing.create(me(), form.wishes(), actor=me())
        except ValidationError as error:
            show_errors(form, error)
        except ConflictError as error:
            form.form_errors.append(str(error))
        else:
            managing.request_test(made.id, actor=me())
            flash(f"{made.name} was added. A test message is on its way to {made.service}.", "success")
            return redirect(url_for("channels.index"))
    return _answer(form, None)


@channels.route("/<row_id:channel_id>", methods=["GET", "POST"])
@fresh_login
def edit(channel_id: int) -> str | Response | tuple[str, int]:
    channel = _mine(channel_id)
    form = ChannelForm.of(channel)
    if form.validate_on_submit() and not said(form, channel, _EDITED, "channel"):
        try:
            managing.update(channel_id, form.wishes(), actor=me())
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash("The channel was changed.", "success")
            return redirect(url_for("channels.index"))
    return _answer(form, _mine(channel_id))


@channels.post("/<row_id:channel_id>/test")
def test(channel_id: int) -> Response:
    managing.request_test(_mine(channel_id).id, actor=me())
    flash("A test message is on its way. What the service answers is shown here in a few seconds.", "success")
    return redirect(url_for("channels.index"))


@channels.post("/<row_id:channel_id>/switch")
def switch(channel_id: int) -> Response:
    turn_on = request.form.get("to") == "on"
    managing.switch(_mine(channel_id).id, on=turn_on, actor=me())
    flash(
        "The channel is used again."
        if turn_on
        else "The channel is paused. In the portal you are told as ever.",
        "success",
    )
    return redirect(url_for("channels.index"))


@channels.post("/<row_id:channel_id>/delete")
def delete(channel_id: int) -> Response:
    managing.delete(_mine(channel_id).id, actor=me())
    flash("The channel was removed, and its address with it.", "success")
    return redirect(url_for("channels.index"))


def _mine(channel_id: int) -> NotificationChannel:
    return one(owned_by(me(), NotificationChannel), NotificationChannel, channel_id)


def _answer(form: ChannelForm, channel: NotificationChannel | None) -> str | tuple[str, int]:
    seen = fingerprint(channel, _EDITED) if channel is not None else None
    page = render_template("web/channel_form.html", form=form, channel=channel, examples=EXAMPLES, seen=seen)
    return (page, 422) if form.errors or form.form_errors else page
