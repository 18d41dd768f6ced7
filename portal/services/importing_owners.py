"""Whose an imported connection is, which names are taken, and which presets it may name. Looked up once
per file."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.errors import NotFoundError
from portal.models import ADMIN, ExecutionConnection, Role, TradingPreset, User
from portal.services.connections import usable_presets

#: How the reason ends for a name that its owner has already.
TAKEN = "has already"
NO_ADMIN = "needs an administrator, and there is none; `portal create-user EMAIL --role admin` makes one"
NO_OWNER = (
    "has no owner: give --owner EMAIL or set is_admin_owned to true "
    "(without both, there must be exactly one administrator)"
)


class Owners:
    """The people of one import. Must be made inside the transaction that imports: it locks them."""

    def __init__(self, owner_id: int | None) -> None:
        admins = self._active_admins()
        owner = db.session.get(User, owner_id) if owner_id is not None else None
        if owner_id is not None and (owner is None or not owner.active):
            raise NotFoundError(f"There is no active user {owner_id}; nothing was imported.")
        #: Who gets the rows that are not admin-owned: --owner, or the only administrator.
        self.owner = owner or (admins[0] if len(admins) == 1 else None)
        #: Who gets the admin-owned rows.
        self.admin = owner if owner is not None and owner.is_admin else next(iter(admins), None)
        people = {user.id for user in (self.owner, self.admin) if user is not None}
        # Names are unique per owner; whoever adds a connection to one of them waits here for the others.
        db.session.execute(
            sa.select(User.id).where(User.id.in_(people)).order_by(User.id).with_for_update(key_share=True)
        )
        self._names = self._taken(people)
        self._presets = {user_id: self._usable(user_id) for user_id in people}

    def assign(self, values: dict[str, Any], line: int, errors: dict[str, str]) -> None:
        """Replace `is_admin_owned` and `preset` by the columns that say it; reasons go into `errors`."""
        admin_owned = bool(values.get("is_admin_owned", False))
        person = self.admin if admin_owned else self.owner
        values["is_admin_owned"] = admin_owned
        if person is None:
            errors["is_admin_owned"] = NO_ADMIN if admin_owned else NO_OWNER
            return
        values["admin_id" if admin_owned else "user_id"] = person.id
        self._claim_name(person, values.get("name"), line, errors)
        preset = values.pop("preset", None)
        if preset is not None:
            values["preset_id"] = self._presets[person.id].get(preset)
            if values["preset_id"] is None:
                errors["preset"] = f"{preset!r} does not exist, or is not {person.email}'s to use"

    def _claim_name(self, person: User, name: str | None, line: int, errors: dict[str, str]) -> None:
        if name is None:
            return
        taken = self._names.setdefault((person.id, name), line)
        if taken == 0:
            errors["name"] = f"{name!r} is the name of a connection that {person.email} {TAKEN}"
        elif taken != line:
            errors["name"] = f"{name!r} is on line {taken} already"

    @staticmethod
    def _active_admins() -> list[User]:
        query = sa.select(User).where(User.active, User.roles.any(Role.name == ADMIN)).order_by(User.id)
        return list(db.session.execute(query).scalars())

    @staticmethod
    def _taken(people: Iterable[int]) -> dict[tuple[int, str], int]:
        owner = sa.func.coalesce(ExecutionConnection.admin_id, ExecutionConnection.user_id)
        query = sa.select(owner, ExecutionConnection.name).where(owner.in_(people))
        return dict.fromkeys(db.session.execute(query), 0)

    @staticmethod
    def _usable(user_id: int) -> dict[str, int]:
        # Later entries win: a person's own preset before the installation's before somebody's public one.
        def rank(preset: TradingPreset) -> int:
            return 2 if preset.owner_id == user_id else 1 if preset.owner_id is None else 0

        user = db.session.get_one(User, user_id)
        presets = sorted(db.session.execute(usable_presets(user)).scalars(), key=rank)
        return {preset.name: preset.id for preset in presets}
