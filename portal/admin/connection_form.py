"""The form of a connection. Credentials only go in: their inputs are empty whenever the form is shown."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask_admin.form import BaseForm
from wtforms import BooleanField, PasswordField

from portal.admin.fields import JsonField, RowField, TextField, WordField
from portal.models import DataConnection, TradingPreset, User
from portal.trading.types import ConnectionMode, ConnectionType

_PREFIX = "credential_"
_KEEP = "Leave all credentials empty to keep what is stored."
_SECRET = {"autocomplete": "new-password", "spellcheck": "false"}
#: What the people of an exchange call the parts of a key.
_CREDENTIALS = ("apiKey", "secret", "password", "walletAddress", "privateKey")
_CHANGEABLE = ("name", "mode", "settings", "preset_id", "data_connection_id", "is_active")


class ConnectionForm(BaseForm):  # type: ignore[misc]
    name = TextField("Name")
    owner_id = RowField(
        "Owner", lambda: sa.select(User.id, User.email).where(User.active).order_by(User.email)
    )
    is_admin_owned = BooleanField(
        "Admin-owned", description="Executes every published signal; the owner must be an administrator."
    )
    exchange_name = TextField("Exchange", description="ccxt's name, such as bybit; or sandbox, sandboxusdm.")
    type = WordField("Type", ConnectionType)
    mode = WordField("Mode", ConnectionMode, description="paper never reaches a real order endpoint.")
    is_active = BooleanField("Switched on", default=True)
    preset_id = RowField(
        "Preset", lambda: sa.select(TradingPreset.id, TradingPreset.name).order_by(TradingPreset.name),
        empty="built-in defaults",
    )  # fmt: skip
    data_connection_id = RowField(
        "Prices from",
        lambda: sa.select(DataConnection.id, DataConnection.name).order_by(DataConnection.name),
        empty="the exchange itself",
    )  # fmt: skip
    settings = JsonField(
        "Settings (JSON)",
        description="Options of the adapter, such as paper_balance; never secrets.",
    )
    credential_apiKey = PasswordField("API key", description=_KEEP, render_kw=_SECRET)  # noqa: N815 - ccxt's name
    credential_secret = PasswordField("Secret", render_kw=_SECRET)
    credential_password = PasswordField(
        "Password", description="Only some exchanges have one.", render_kw=_SECRET
    )
    credential_walletAddress = PasswordField("Wallet address", render_kw=_SECRET)  # noqa: N815 - ccxt's name
    credential_privateKey = PasswordField("Private key", render_kw=_SECRET)  # noqa: N815 - ccxt's name
    #: Where the reasons of services belong.
    aliases: ClassVar[dict[str, str]] = {"credentials": "credential_apiKey"}

    def credentials(self) -> dict[str, str]:
        """What was typed into the credential inputs."""
        typed = {name: self[_PREFIX + name].data for name in _CREDENTIALS}
        return {name: value for name, value in typed.items() if value}

    def new_data(self) -> dict[str, Any]:
        """What `services.connections.create` reads."""
        fixed = ("exchange_name", "type", "is_admin_owned")
        return (
            self.changed_data()
            | {name: self[name].data for name in fixed}
            | {"credentials": self.credentials()}
        )

    def changed_data(self) -> dict[str, Any]:
        """What `services.connections.update` reads."""
        return {name: self[name].data for name in _CHANGEABLE}


class ChangeForm(ConnectionForm):
    """What can be changed later: a connection keeps its owner and its exchange."""

    owner_id = is_admin_owned = exchange_name = type = None  # type: ignore[assignment]


SECTIONS = (
    ("Account", ("name", "owner_id", "is_admin_owned", "exchange_name", "type", "mode", "is_active")),
    ("Trading", ("preset_id", "data_connection_id", "settings")),
    ("Credentials", tuple(_PREFIX + name for name in _CREDENTIALS)),
)
FIELDS = tuple(name for _, names in SECTIONS for name in names)
