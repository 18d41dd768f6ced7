"""The forms of a connection. Credentials only ever go in: no form is filled from what is stored."""

from typing import Any, Self

from flask_wtf import FlaskForm
from wtforms import Field, Form, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from portal.db import db
from portal.errors import ValidationError
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.models import ExecutionConnection, User
from portal.services.connections import usable_presets
from portal.trading.types import ConnectionMode
from portal.web.key_guides import guide_for

_NO_PRESET = ""
_DEFAULTS = "Built-in defaults (1 % of the balance, spot)"
#: Written as the service names them.
CREDENTIALS = ("apiKey", "secret", "password", "uid", "walletAddress", "privateKey")
_WRITE_ONLY = {"autocomplete": "new-password", "spellcheck": "false"}


def _secret(label: str, description: str = "") -> PasswordField:
    return PasswordField(label, description=description, render_kw=_WRITE_ONLY)


class CredentialsForm(FlaskForm):  # type: ignore[misc]
    """Replaces all credentials at once: what is left empty is gone."""

    apiKey = _secret("API key")  # noqa: N815 - the exchange's own name for it
    secret = _secret("API secret")
    password = _secret(
        "Passphrase", "Only where the exchange gave you one: OKX, KuCoin, Bitget and a few others."
    )
    uid = _secret("User id")
    walletAddress = _secret("Wallet address")  # noqa: N815
    privateKey = _secret("Private key")  # noqa: N815

    def credentials(self) -> dict[str, str]:
        """What was entered."""
        given = {name: str(self[name].data or "").strip() for name in CREDENTIALS}
        return {name: value for name, value in given.items() if value}


class EditForm(FlaskForm):  # type: ignore[misc]
    """What an owner may change without touching the credentials."""

    name = StringField("Name", validators=[InputRequired("Give it a name."), Length(max=100)])
    preset = SelectField(
        "Preset", choices=[], description="How orders are sized and protected on this account."
    )

    @classmethod
    def for_connection(cls, connection: ExecutionConnection, owner: User) -> Self:
        form = cls(name=connection.name, preset=str(connection.preset_id or _NO_PRESET))
        form.preset.choices = preset_choices(owner)
        return form

    def values(self) -> dict[str, Any]:
        """For `services.connections.update`."""
        return {"name": self.name.data, "preset_id": int(self.preset.data) if self.preset.data else None}


class NewConnectionForm(CredentialsForm):
    """A new account at an exchange."""

    name = StringField(
        "Name", description="How you will recognise it.",
        validators=[InputRequired("Give it a name."), Length(max=100)],
    )  # fmt: skip
    exchange_name = SelectField("Exchange", choices=[], validators=[InputRequired("Choose the exchange.")])
    mode = RadioField(
        "Mode", default=ConnectionMode.PAPER.value,
        choices=[SelectChoice(ConnectionMode.PAPER.value, "Paper: no real order is ever sent"),
                 SelectChoice(ConnectionMode.LIVE.value, "Live: real orders, real money")],
    )  # fmt: skip
    preset = SelectField(
        "Preset", choices=[], description="How orders are sized and protected on this account."
    )

    @classmethod
    def for_owner(cls, owner: User) -> Self:
        form = cls()
        own = [SelectChoice(name, guide_for(name).title) for name in sorted(OWN_EXCHANGES)]
        others = [SelectChoice(name) for name in sorted(known_exchanges() - OWN_EXCHANGES)]
        form.exchange_name.choices = [SelectChoice("", "Choose…"), *own, *others]
        form.preset.choices = preset_choices(owner)
        return form

    def values(self, *, admin_owned: bool) -> dict[str, Any]:
        """For `services.connections.create`: these names and no others, whatever else was posted."""
        values: dict[str, Any] = {
            "name": self.name.data,
            "exchange_name": self.exchange_name.data,
            "mode": self.mode.data,
            "credentials": self.credentials(),
        }
        if self.preset.data:
            values["preset_id"] = int(self.preset.data)
        if admin_owned:
            values["is_admin_owned"] = True
        return values


def preset_choices(owner: User) -> list[SelectChoice]:
    """The presets that `owner` may use."""
    found = sorted(db.session.scalars(usable_presets(owner)), key=lambda preset: preset.name.lower())
    return [
        SelectChoice(_NO_PRESET, _DEFAULTS),
        *(SelectChoice(str(preset.id), preset.name) for preset in found),
    ]


def show_errors(form: Form, error: ValidationError) -> None:
    """Put the service's reasons beside the fields they belong to."""
    places = {"credentials": "apiKey", "preset_id": "preset"}
    for name, reason in error.errors.items():
        field: Field | None = form._fields.get(places.get(name, name))
        if field is None:
            form.form_errors.append(f"{name}: {reason}")
        else:
            field.errors = [*field.errors, f"{reason[:1].upper()}{reason[1:].rstrip('.')}."]
