"""Why no signal would trade on an account although it works: switches, subscriptions, presets that do not
fit. In sentences for owners. Reads only the database."""

from collections.abc import Iterator

import sqlalchemy as sa
from flask import current_app

from portal.config import Settings
from portal.db import db
from portal.exchanges.catalog import OWN_EXCHANGES
from portal.exchanges.venues_table import venue
from portal.models import ExecutionConnection, Subscription, TradingPreset, TradingState, User
from portal.trading.types import ConnectionMode, MarketType, TradingStateValue
from portal.web import words

_STOPPED = {
    TradingStateValue.HALTED: "Trading is halted {where}: no new position is opened. Exits always pass.",
    TradingStateValue.REDUCING: "Trading is reduced {where}: no new position is opened. Exits always pass.",
}
_WHO = " An administrator resumes it."


def for_everything_of(user: User) -> list[str]:
    """The switches that stop all accounts of `user`."""
    return _switches({("everything", ""): "everywhere", ("user", str(user.id)): "on all your accounts"})


def of(connection: ExecutionConnection) -> list[str]:
    """Everything that keeps signals from trading on a healthy connection; nothing for one that is switched
    off or in error, which says so itself."""
    if not connection.can_execute_trades():
        return []
    name = words.exchange(connection.exchange_name)
    stopped = _switches({
        ("everything", ""): "everywhere",
        ("user", str(connection.owner_id)): "for its owner",
        ("exchange", connection.exchange_name): f"at {name}",
        ("connection", str(connection.id)): "on this account",
    })  # fmt: skip
    return [*stopped, *_missing(connection, name)]


def fits(connection: ExecutionConnection, preset: TradingPreset | None) -> bool:
    """Whether the exchange has the market that the preset trades on, as far as that is known."""
    offered = venue(connection.exchange_name).market_types
    return not offered or (preset.market_type if preset else MarketType.SPOT) in offered


def _switches(scopes: dict[tuple[str, str], str]) -> list[str]:
    rows = db.session.scalars(
        sa.select(TradingState).where(
            sa.tuple_(TradingState.scope, TradingState.key).in_(list(scopes)),
            TradingState.state != TradingStateValue.ACTIVE,
        )
    )
    return [_STOPPED[row.state].format(where=scopes[row.scope, row.key]) + _WHO for row in rows]


def _missing(connection: ExecutionConnection, name: str) -> Iterator[str]:
    settings: Settings = current_app.extensions["portal_settings"]
    practice = connection.exchange_name in OWN_EXCHANGES
    if connection.mode is ConnectionMode.LIVE and not practice and not settings.live_trading:
        yield "Trading with real money is off in this installation: every signal is denied on live accounts."
    if not fits(connection, connection.preset):
        preset = f"Its preset {connection.preset.name}" if connection.preset else "Without a preset it"
        market = connection.preset.market_type if connection.preset else MarketType.SPOT
        yield (
            f"{preset} trades on the {market.value} market, which {name} does not have: signals are denied"
            " unless they name another market. Choose a preset that fits."
        )
    current = Subscription.user_id == connection.user_id, Subscription.is_current
    subscribed = sa.select(Subscription.id).where(*current).limit(1)
    if not connection.is_admin_owned and db.session.scalar(subscribed) is None:
        yield "No current subscription stands behind it, so no signal reaches it."
