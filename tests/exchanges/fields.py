"""Where a value travels in a request: the name of its field, in URL, body or headers, however packed."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.exchanges.captured import Sent
from tests.exchanges.setups import base64_json

Field = tuple[str, str]


def fields_of(sent: Sent) -> Iterator[Field]:
    """Every (name, value) that a venue could read."""
    address = urlsplit(sent.url)
    yield from (("path", unquote(part)) for part in address.path.split("/") if part)
    yield from parse_qsl(address.query, keep_blank_values=True)
    yield from _unpack("body", sent.body)
    for name, value in sent.headers.items():
        yield name, str(value)
        yield from _unpack(name, base64_json(str(value)))


def names_of(sent: Sent, value: str) -> list[str]:
    """The fields that carry exactly `value`, and those that carry more or less of it, marked as such."""
    found = dict.fromkeys(name for name, text in fields_of(sent) if text.lower() == value.lower())
    if not found and value in sent.text:
        found = dict.fromkeys(f"{name} (inside)" for name, text in fields_of(sent) if value in text)
    return list(found)


def _unpack(name: str, text: str) -> Iterator[Field]:
    if not text:
        return
    try:
        yield from _leaves(name, json.loads(text))
        return
    except ValueError:
        pass
    hidden = base64_json(text)
    if hidden.startswith(("{", "[")):
        yield from _unpack(name, hidden)
        return
    pairs = parse_qsl(text, keep_blank_values=True)
    yield from pairs or [(name, text)]


def _leaves(name: str, value: Any) -> Iterator[Field]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(name, inner)
    else:
        yield name, str(value)
