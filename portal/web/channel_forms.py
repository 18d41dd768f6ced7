"""The form of a channel. The address only ever goes in: no form is filled from what is stored."""

from typing import Self

from flask_wtf import FlaskForm
from wtforms import Form, PasswordField, SelectField, SelectMultipleField, StringField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.errors import ValidationError
from portal.models import NotificationChannel
from portal.models.channel import Digest
from portal.services.channels.managing import Wishes
from portal.services.channels.timing import URGENT
from portal.trading.types import NotificationType

KINDS = {
    NotificationType.UNRESOLVED: "An order is in doubt",
    NotificationType.UNPROTECTED: "A position has no proved stop",
    NotificationType.LIQUIDATION: "A position was liquidated",
    NotificationType.ERROR: "Something needs a person",
    NotificationType.HALT: "Trading was halted or resumed",
    NotificationType.CONNECTION: "A connection stopped or works again",
    NotificationType.OPEN: "A position was opened",
    NotificationType.CLOSE: "A position was closed",
    NotificationType.SL_HIT: "A stop was hit",
    NotificationType.TP_HIT: "A target was hit",
    NotificationType.EXECUTION: "A signal was not carried out, or waits",
}
_DIGESTS = {
    Digest.OFF: "As it happens",
    Digest.HOURLY: "Together, every full hour",
    Digest.DAILY: "Together, once a day when the quiet hours end (8:00 without any)",
}
_CLOCK = {"step": "60"}


class ChannelForm(FlaskForm):  # type: ignore[misc]
    """A new channel, or the wishes for one that exists (then an empty address keeps the stored one)."""

    name = StringField(
        "Name", description="How you will recognise it.",
        validators=[InputRequired("Give it a name."), Length(max=60)],
    )  # fmt: skip
    url = PasswordField(
        "Address", description="As the service gives it to you; the list below shows how each one looks.",
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip
    types = SelectMultipleField(
        "What is sent there",
        choices=[
            SelectChoice(kind.value, f"{words} (at once, at any hour)" if kind in URGENT else words)
            for kind, words in KINDS.items()
        ],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    digest = SelectField(
        "What is not urgent", choices=[SelectChoice(each.value, words) for each, words in _DIGESTS.items()]
    )
    quiet_from = TimeField("Quiet from", validators=[Optional()], render_kw=_CLOCK)
    quiet_to = TimeField("Quiet until", validators=[Optional()], render_kw=_CLOCK)
    time_zone = StringField("Time zone", description="Such as Europe/Berlin.", validators=[Length(max=60)])

    @classmethod
    def empty(cls) -> Self:
        return cls(types=[kind.value for kind in KINDS], digest=Digest.OFF.value, time_zone="UTC")

    @classmethod
    def of(cls, channel: NotificationChannel) -> Self:
        return cls(
            name=channel.name,
            types=channel.types,
            digest=channel.digest.value,
            quiet_from=channel.quiet_from,
            quiet_to=channel.quiet_to,
            time_zone=channel.time_zone,
        )

    def wishes(self) -> Wishes:
        """For `services.channels.managing`."""
        return Wishes(
            name=self.name.data or "",
            url=(self.url.data or "").strip(),
            types=tuple(self.types.data or ()),
            digest=self.digest.data,
            quiet_from=self.quiet_from.data,
            quiet_to=self.quiet_to.data,
            time_zone=(self.time_zone.data or "").strip() or "UTC",
        )


def show_errors(form: Form, error: ValidationError) -> None:
    """Put the service's reasons beside the fields they belong to."""
    for name, reason in error.errors.items():
        field = form._fields[name]
        field.errors = [*field.errors, f"{reason[:1].upper()}{reason[1:]}."]
