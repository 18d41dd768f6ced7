"""Take-profits as lines of text, one per target, for the forms of presets: read, and written back. Checks the
shape only; what a target may be is decided where presets are stored."""

from collections.abc import Iterable, Mapping

from portal.errors import ValidationError
from portal.trading.types import TakeProfitMode

_FULL = ("mode", "value", "close_fraction")
#: The signal's own price has no value.
_SHORT = ("mode", "close_fraction")


def read(lines: Iterable[str]) -> list[dict[str, str]]:
    """What the lines name; empty ones are passed over. Raises ValidationError (field `take_profits`) with the
    line that was not understood."""
    return [_target(line) for line in lines if line.strip()]


def written(targets: Iterable[Mapping[str, object]]) -> list[str]:
    """The lines of stored targets."""
    return [" ".join(str(each[key]) for key in _FULL if key in each) for each in targets]


def _target(line: str) -> dict[str, str]:
    words = line.split()
    names = _SHORT if len(words) == len(_SHORT) else _FULL
    if len(words) != len(names) or words[0] not in set(TakeProfitMode):
        modes = ", ".join(TakeProfitMode)
        raise ValidationError({"take_profits": f"“{line}” was not understood. Begin with one of {modes}."})
    return dict(zip(names, words, strict=True))
