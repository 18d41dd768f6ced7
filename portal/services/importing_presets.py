"""Importing presets. A name that exists is updated. They belong to the installation, and everybody may use
them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from portal.db import transaction
from portal.models import TradingPreset
from portal.services import audit
from portal.services.importing_report import ImportResult, Problem, Progress
from portal.services.importing_rows import Row
from portal.trading.preset import PresetError, PresetRules, parse_preset
from portal.trading.types import Visibility


def import_presets(
    rows: Sequence[Row], *, actor: audit.Actor, progress: Progress | None = None
) -> ImportResult:
    """Add or update the presets of `rows`, all or nothing.

    Commits once. Never raises for a bad row: the result has a problem per field and nothing was stored.
    May be repeated; a connection that uses a preset trades by its new rules from the next signal on.
    """
    rules, problems = _read(rows)
    if problems:
        return ImportResult(problems=tuple(problems))
    added: list[str] = []
    updated: list[str] = []
    with transaction() as session:
        known = {
            preset.name: preset
            for preset in session.execute(
                sa.select(TradingPreset).where(TradingPreset.owner_id.is_(None)).with_for_update()
            ).scalars()
        }
        for done, each in enumerate(rules, start=1):
            preset = known.get(each.name)
            (added if preset is None else updated).append(each.name)
            if preset is None:
                preset = TradingPreset(owner_id=None, visibility=Visibility.PUBLIC, name=each.name)
                session.add(preset)
            for name, value in columns(each).items():
                setattr(preset, name, value)
            if progress is not None:
                progress(done, len(rules))
        audit.record(actor, "portal.presets.imported", "preset", None, added=added, updated=updated)
    return ImportResult(tuple(added), tuple(updated))


def columns(rules: PresetRules) -> dict[str, Any]:
    """The values of a preset's row: exact numbers as they are, lists and tables as JSON."""
    plain = rules.to_dict()
    as_json = ("take_profits", "allowed_symbols", "blocked_symbols", "trading_hours")
    return {name: plain[name] if name in as_json else getattr(rules, name) for name in rules.field_names()}


def _read(rows: Sequence[Row]) -> tuple[list[PresetRules], list[Problem]]:
    rules: list[PresetRules] = []
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    for row in rows:
        if row.problem:
            problems.append(Problem(row.line, "the row", row.problem))
            continue
        try:
            parsed = parse_preset(row.data)
        except PresetError as error:
            problems += [Problem(row.line, name, reason) for name, reason in error.errors.items()]
            continue
        if parsed.name in lines:
            reason = f"{parsed.name!r} is on line {lines[parsed.name]} already"
            problems.append(Problem(row.line, "name", reason))
        lines.setdefault(parsed.name, row.line)
        rules.append(parsed)
    return rules, problems
