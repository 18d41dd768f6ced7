"""The plans that a person may subscribe to, and the subscriptions they have."""

import sqlalchemy as sa
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import joinedload

from portal.db import db
from portal.models import Plan, Subscription
from portal.services import subscriptions
from portal.web.access import me, pages
from portal.web.scoping import owned_by

plans = pages("plans", __name__, "/plans")


@plans.get("")
def index() -> str:
    mine = (
        owned_by(me(), Subscription)
        .where(Subscription.canceled_at.is_(None), Subscription.ends_at.is_(None) | Subscription.is_current)
        .options(joinedload(Subscription.plan))
        .order_by(Subscription.id.desc())
    )
    found = db.session.scalars(mine).all()
    known = [subscription.plan_id for subscription in found]
    offered = subscriptions.open_plans().where(sa.not_(Plan.id.in_(known))).order_by(Plan.name)
    return render_template("web/plans.html", subscriptions=found, plans=db.session.scalars(offered).all())


@plans.post("/<row_id:plan_id>/subscribe")
def subscribe(plan_id: int) -> ResponseReturnValue:
    subscriptions.subscribe(plan_id, user=me())
    flash("You are subscribed. The next signal of this plan reaches your connections.", "success")
    return redirect(url_for("plans.index"))


@plans.post("/subscriptions/<row_id:subscription_id>/cancel")
def cancel(subscription_id: int) -> ResponseReturnValue:
    subscriptions.cancel(subscription_id, user=me())
    flash("The subscription ended. Open positions are still watched until they are closed.", "success")
    return redirect(url_for("plans.index"))
