"""A person's own presets: made, changed, removed. The rules are judged by `portal/trading/preset.py`."""

from collections.abc import Mapping

import sqlalchemy as sa

from portal.db import db, transaction
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import ExecutionConnection, TradingPreset, User
from portal.services import audit
from portal.services.importing_presets import columns
from portal.trading.preset import PresetRules, parse_preset
from portal.trading.types import Visibility

#: Enough for anybody; keeps lists readable and the table small.
MAX_PRESETS = 100


def create(data: Mapping[str, object], *, owner: User, actor: audit.Actor) -> TradingPreset:
    """Make a private preset of `owner` from the names that `import-presets` reads. Commits. Raises
    ValidationError with a reason per field, and ConflictError when there are too many."""
    rules = parse_preset(data)
    with transaction() as session:
        # The owner's row orders two of their requests, so that neither name nor number slips through.
        session.get_one(User, owner.id, with_for_update={"of": User})
        _refuse_taken_name(rules.name, owner.id, None)
        count = session.scalar(sa.select(sa.func.count()).where(TradingPreset.owner_id == owner.id)) or 0
        if count >= MAX_PRESETS:
            raise ConflictError(
                f"You have {count} presets, which is the most there can be. Delete one first."
            )
        preset = TradingPreset(owner_id=owner.id, visibility=Visibility.PRIVATE)
        _fill(preset, rules)
        session.add(preset)
        session.flush()
        audit.record(actor, "portal.preset.created", "preset", preset.id, **rules.to_dict())
    return preset


def update(preset_id: int, data: Mapping[str, object], *, owner: User, actor: audit.Actor) -> TradingPreset:
    """Change the fields of `data` and keep the others; counts from the next signal on. Commits. Raises
    ValidationError, and NotFoundError for a preset that is not `owner`'s."""
    with transaction() as session:
        preset = _lock(preset_id, owner)
        rules = parse_preset(preset.rules().to_dict() | dict(data))
        _refuse_taken_name(rules.name, owner.id, preset.id)
        _fill(preset, rules)
        session.flush()
        audit.record(actor, "portal.preset.changed", "preset", preset.id, **rules.to_dict())
    return preset


def remove(preset_id: int, *, owner: User, actor: audit.Actor) -> None:
    """Delete a preset. Commits. Raises NotFoundError, and ConflictError while a connection uses it."""
    with transaction() as session:
        preset = _lock(preset_id, owner)
        if session.scalar(sa.select(sa.exists().where(ExecutionConnection.preset_id == preset_id))):
            raise ConflictError("A connection uses this preset, so it was not deleted. Give it another one.")
        audit.record(actor, "portal.preset.deleted", "preset", preset.id, name=preset.name)
        session.delete(preset)


def _lock(preset_id: int, owner: User) -> TradingPreset:
    preset = db.session.get(TradingPreset, preset_id, with_for_update={"of": TradingPreset})
    if preset is None or preset.owner_id != owner.id:
        raise NotFoundError(f"There is no preset {preset_id} of yours. Nothing was changed.")
    return preset


def _fill(preset: TradingPreset, rules: PresetRules) -> None:
    for name, value in columns(rules).items():
        setattr(preset, name, value)


def _refuse_taken_name(name: str, owner_id: int, preset_id: int | None) -> None:
    taken = sa.select(TradingPreset.id).where(TradingPreset.name == name, TradingPreset.owner_id == owner_id)
    if db.session.scalar(taken) not in (None, preset_id):
        raise ValidationError({"name": "is the name of another preset of yours"})
