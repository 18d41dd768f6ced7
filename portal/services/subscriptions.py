"""What people do about plans by themselves: subscribe to open ones, and end their own subscriptions."""

import sqlalchemy as sa

from portal.db import transaction, utcnow
from portal.errors import ConflictError, NotFoundError
from portal.models import Plan, Subscription, User
from portal.services import audit


def open_plans() -> sa.Select[Plan]:
    """The plans that anybody may subscribe to."""
    return sa.select(Plan).where(Plan.is_active, Plan.is_open)


def subscribe(plan_id: int, *, user: User) -> Subscription:
    """Subscribe `user` until further notice: signals that are published from now on reach them. Commits.
    Raises NotFoundError for a plan that is not open, and ConflictError when they are subscribed already."""
    with transaction() as session:
        # The person's row orders two clicks on the same button.
        session.get_one(User, user.id, with_for_update={"of": User})
        plan = session.scalar(open_plans().where(Plan.id == plan_id).with_for_update(read=True, of=Plan))
        if plan is None:
            raise NotFoundError("There is no such open plan. Nothing was changed.")
        current = sa.select(Subscription.id).where(
            Subscription.plan_id == plan_id, Subscription.user_id == user.id, Subscription.is_current
        )
        if session.scalar(current.limit(1)) is not None:
            raise ConflictError(f"You are subscribed to {plan.name} already; nothing was changed.")
        made = Subscription(user_id=user.id, plan_id=plan_id, starts_at=utcnow())
        session.add(made)
        session.flush()
        audit.record(user, "portal.subscription.created", "subscription", made.id, plan=plan.name)
    return made


def cancel(subscription_id: int, *, user: User) -> None:
    """End one's own subscription now. Open positions stay watched. Commits; a repeat changes nothing. Raises
    NotFoundError for one of somebody else."""
    with transaction() as session:
        found = session.get(Subscription, subscription_id, with_for_update={"of": Subscription})
        if found is None or found.user_id != user.id:
            raise NotFoundError(f"There is no subscription {subscription_id} of yours. Nothing was changed.")
        if found.canceled_at is None:
            found.canceled_at = utcnow()
            audit.record(user, "portal.subscription.canceled", "subscription", found.id)
