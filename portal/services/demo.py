"""The demo content: made once, through the same services that people use. Needs the practice exchange."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.exchanges.sandbox.client import SandboxControl
from portal.models import AuditEntry, ExecutionConnection, Plan, Subscription, TradingPreset, User
from portal.models.token import SCOPES
from portal.services import audit, connections, demo_content, importing, signals, tokens, users
from portal.services.demo_content import DemoAccount
from portal.services.importing_rows import Row
from portal.services.passwords import generate_password

_SEEDED = "portal.demo.seeded"
_ACCOUNT = "practice_account"
_TOKEN = "demo: webhook and API"  # noqa: S105 - the name of a token
#: Orders of the faulty account whose answer is lost: every other one.
_LOST = tuple(range(1, 1000, 2))


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made, for the one who asked: shown once. Passwords by address."""

    passwords: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    connections: int
    draft_id: int
    #: A stop well below the price of the moment, for an example.
    stop: str


def is_seeded() -> bool:
    """Whether the demo content is complete. Reads only."""
    return (
        db.session.execute(sa.select(AuditEntry.id).where(AuditEntry.action == _SEEDED)).first() is not None
    )


def seed(control: SandboxControl, *, actor: audit.Actor) -> Seeded | None:
    """Make the demo content, once; None when it is there already. Repeats what an interrupted run left out.

    Commits step by step. Raises PortalError, and SandboxControlError when the practice exchange refuses.
    """
    if is_seeded():
        end_read()
        rearm(control)
        return None
    passwords = {email: _person(email, role, actor) for email, role in demo_content.PEOPLE.items()}
    importing.import_presets([Row(0, preset) for preset in demo_content.PRESETS], actor=actor)
    _plans(actor)
    made = [_connection(account, control, actor) for account in demo_content.ACCOUNTS]
    rearm(control)
    admin = users.find_user(demo_content.ADMIN)
    token = tokens.create_token(admin, SCOPES, _TOKEN, actor=actor)
    draft_id = _draft(control, admin)
    with transaction():
        audit.record(actor, _SEEDED, "demo", connections=len(made))
    stop = _around(control.prices()[demo_content.SANDBOX_SYMBOL], "0.95")
    return Seeded(passwords, token, len(made), draft_id, stop)


def rearm(control: SandboxControl) -> None:
    """Give the faulty account its fault back: the practice exchange forgets faults when it restarts."""
    query = sa.select(ExecutionConnection.settings).where(ExecutionConnection.name == demo_content.FAULTY)
    settings = db.session.execute(query).scalars().first() or {}
    end_read()
    account = settings.get(_ACCOUNT)
    if account is not None and all(fault.get("account") != account for fault in control.faults()):
        control.add_fault("accept_no_answer", "order", account=account, nth=list(_LOST))


def practice_accounts() -> dict[str, int]:
    """Name of the practice account of each demo connection, with the connection's id. Reads only."""
    rows = db.session.execute(sa.select(ExecutionConnection.id, ExecutionConnection.settings)).all()
    return {settings[_ACCOUNT]: number for number, settings in rows if _ACCOUNT in settings}


def _person(email: str, role: str, actor: audit.Actor) -> str:
    password = generate_password()
    known = db.session.execute(sa.select(User.id).where(User.email == email)).scalar_one_or_none()
    if known is None:
        users.create_user(email, role, password, actor=actor)
    else:
        users.set_password(known, password, actor=actor)
    return password


def _plans(actor: audit.Actor) -> None:
    with transaction() as session:
        plans = {plan.name: plan for plan in session.execute(sa.select(Plan)).scalars()}
        for name, description in demo_content.PLANS.items():
            if name not in plans:
                plans[name] = Plan(name=name, description=description)
                session.add(plans[name])
        session.flush()
        for email, name in demo_content.SUBSCRIPTIONS:
            user = session.execute(sa.select(User).where(User.email == email)).scalar_one()
            mine = sa.select(Subscription.id).where(
                Subscription.user_id == user.id,
                Subscription.plan_id == plans[name].id,
                Subscription.is_current,
            )
            if session.execute(mine).first() is None:
                session.add(Subscription(user_id=user.id, plan_id=plans[name].id))
                audit.record(actor, "portal.subscription.created", "plan", plans[name].id, user_id=user.id)


def _connection(account: DemoAccount, control: SandboxControl, actor: audit.Actor) -> int:
    owner = users.find_user(account.owner)
    owner_is = sa.func.coalesce(ExecutionConnection.admin_id, ExecutionConnection.user_id) == owner.id
    query = sa.select(ExecutionConnection.id).where(owner_is, ExecutionConnection.name == account.name)
    known = db.session.execute(query).scalar_one_or_none()
    if known is not None:
        return known
    preset_id = db.session.execute(
        sa.select(TradingPreset.id).where(
            TradingPreset.owner_id.is_(None), TradingPreset.name == account.preset
        )
    ).scalar_one()
    end_read()
    keys = control.create_account(
        name=f"demo-{secrets.token_hex(4)}", balances={"USDT": account.usdt}, futures_balance=account.usdt
    )
    data = {
        "name": account.name, "exchange_name": account.exchange_name, "credentials": keys.credentials,
        "settings": {_ACCOUNT: keys.name}, "preset_id": preset_id, "is_admin_owned": account.is_admin_owned,
    }  # fmt: skip
    return connections.create(data, owner=owner, actor=actor).id


def _draft(control: SandboxControl, author: User) -> int:
    price = control.prices()[demo_content.SANDBOX_SYMBOL]
    data = {
        "currency_pair": demo_content.PAIR,
        "direction": "buy",
        "sl": _around(price, "0.95"),
        "tp": [_around(price, "1.05"), _around(price, "1.10")],
        "plans": list(demo_content.PLANS),
        "dedupe_key": "demo-draft",
    }
    return signals.submit(data, author=author, source="demo", publish=False).signal_id


def _around(price: Decimal, factor: str) -> str:
    return str((price * Decimal(factor)).quantize(Decimal(1), ROUND_DOWN))
