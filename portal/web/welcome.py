"""The first-run guide: connect an exchange, choose a preset, subscribe to a plan. Every step is a form of the
page that does it; the guide only shows what is still to do."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import db
from portal.errors import NotFoundError
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.models import ExecutionConnection, Plan, Subscription, TradingPreset, User
from portal.services import connections, subscriptions
from portal.web import obstacles
from portal.web.access import me, pages
from portal.web.connection_forms import NewConnectionForm
from portal.web.key_guides import GUIDES, guide_for
from portal.web.scoping import one, owned_by

welcome = pages("welcome", __name__, "/welcome")


@dataclass(frozen=True, slots=True)
class Progress:
    """What the person has by now."""

    connections: list[ExecutionConnection]
    presets: list[TradingPreset]
    plans: list[Plan]

    @property
    def has_preset(self) -> bool:
        return any(connection.preset_id is not None for connection in self.connections)


@welcome.get("")
def show() -> str:
    user = me()
    chosen = request.args.get("exchange", "")
    form = NewConnectionForm.for_owner(user)
    if chosen in known_exchanges():
        form.exchange_name.data = chosen
        form.name.data = form.name.data or _name_for(chosen)
    return render_template(
        "web/welcome.html",
        form=form,
        progress=_progress(user),
        chosen=chosen if chosen in known_exchanges() else "",
        guide=guide_for(chosen),
        exchanges=_exchanges(),
        offered=db.session.scalars(subscriptions.open_plans().order_by(Plan.name)).all(),
    )


@welcome.post("/preset")
def choose_preset() -> ResponseReturnValue:
    """Use one preset on every connection that has none yet."""
    user = me()
    preset_id = request.form.get("preset", type=_row_id)
    preset = db.session.scalar(connections.usable_presets(user).where(TradingPreset.id == preset_id))
    if preset is None:
        raise NotFoundError("There is no such preset. Nothing was changed.")
    name = preset.name
    bare = [row for row in _progress(user).connections if row.preset_id is None]
    unfit = [row.name for row in bare if not obstacles.fits(row, preset)]
    waiting = [row.id for row in bare if row.name not in unfit]
    for connection_id in waiting:
        one(owned_by(user, ExecutionConnection), ExecutionConnection, connection_id)
        connections.update(connection_id, {"preset_id": preset_id}, actor=user)
    if waiting or not unfit:
        flash(f"{name} is used on {len(waiting)} connection{'' if len(waiting) == 1 else 's'}.", "success")
    if unfit:
        where = ", ".join(unfit)
        flash(f"{name} trades on a market that {where} does not have; choose another there.", "warning")
    return redirect(url_for("welcome.show"))


def _name_for(exchange_name: str) -> str:
    practice = {"sandbox": "My practice account", "sandboxusdm": "My practice account, perpetuals"}
    return practice.get(exchange_name) or f"My {guide_for(exchange_name).title} account"[:100]


def _row_id(text: str) -> int:
    # What no row can have is no id; the query then finds nothing.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _exchanges() -> list[tuple[str, str]]:
    """Name and title: the practice exchanges, then those somebody has looked at, then the others."""
    first = sorted(OWN_EXCHANGES)
    known = sorted(set(GUIDES) - OWN_EXCHANGES)
    others = sorted(known_exchanges() - set(GUIDES))
    return [(name, guide_for(name).title) for name in (*first, *known, *others)]


def _progress(user: User) -> Progress:
    mine = owned_by(user, ExecutionConnection).order_by(ExecutionConnection.id)
    current = (
        sa.select(Plan)
        .join(Subscription, Subscription.plan_id == Plan.id)
        .where(Subscription.user_id == user.id, Subscription.is_current)
    )
    accounts = list(db.session.scalars(mine))
    bare = [row for row in accounts if row.preset_id is None]
    presets = db.session.scalars(connections.usable_presets(user).order_by(TradingPreset.name))
    return Progress(
        connections=accounts,
        # What trades on none of the accounts' markets is not what is chosen without a look.
        presets=sorted(presets, key=lambda preset: not all(obstacles.fits(row, preset) for row in bare)),
        plans=list(db.session.scalars(current.order_by(Plan.name))),
    )
