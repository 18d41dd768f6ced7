"""The settings as an administrator may see them: effective values without secrets, and where they come from.
Reads the environment; changes nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qs, urlsplit

from portal.config import SECRET_FILES, Settings


@dataclass(frozen=True, slots=True)
class Line:
    """One setting. `value` is a text for people; of secrets it says only whether they are set."""

    name: str
    value: str
    source: str
    meaning: str


def lines(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Line]:
    """Every setting of this process, in the order of docs/configuration.md."""
    found = []
    for item in fields(settings):
        name = item.metadata["env"]
        value = getattr(settings, item.name)
        shown = _shown(item.name, value, secret=item.metadata["secret"])
        source = _source(settings, name, is_default=value == _default(item), environ=environ)
        found.append(Line(name, shown, source, item.metadata["doc"]))
    return found


def _default(item: Any) -> Any:
    default = item.metadata["default"]
    return None if default is None else item.metadata["reader"](item.metadata["env"], default)


def _shown(name: str, value: Any, *, secret: bool) -> str:
    if value is None or value in ("", ()):
        return "not set"
    if secret and name.endswith("_url"):
        return place_of(str(value))
    if secret:
        return f"set ({len(value)})" if isinstance(value, tuple) else "set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {each}" for key, each in value.items()) or "none"
    return str(value)


def place_of(url: str) -> str:
    """Where a database or Redis is: scheme, host, port and path, and nothing that could be a password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ", ".join(parse_qs(parts.query).get("host", ()))
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "set"
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _source(settings: Settings, name: str, *, is_default: bool, environ: Mapping[str, str]) -> str:
    if environ.get(name):
        return "environment"
    if environ.get(f"{name}_FILE"):
        return "file"
    if is_default:
        return "default"
    if name in SECRET_FILES and (settings.data_dir / SECRET_FILES[name]).exists():
        return "data dir"
    return "given at the start"
