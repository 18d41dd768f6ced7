"""JSON import files: a list of objects, read one by one so that each knows its line."""

import json
from collections.abc import Iterator
from typing import Any

from portal.services.importing_rows import FileError, Row


def json_rows(text: str) -> Iterator[Row]:
    """The objects of a JSON list, each with the line on which it begins. Raises FileError with line and
    column. Numbers with a fraction stay text, so that none loses a digit."""
    decoder = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_constant=_no_constant)
    place = _skip(text, 0)
    if text[place : place + 1] != "[":
        raise FileError("The file must be a JSON list of objects: [ {…}, {…} ]. Nothing was imported.")
    place = _skip(text, place + 1)
    if text[place : place + 1] == "]":
        _expect_end(text, place + 1)
        return
    line, counted = 1, 0
    while True:
        start = place
        line, counted = line + text.count("\n", counted, start), start
        try:
            value, place = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise _broken(text, error.pos, error.msg) from None
        except (RecursionError, ValueError) as error:
            raise _broken(
                text, start, "nested too deeply" if isinstance(error, RecursionError) else str(error)
            ) from None
        yield _json_row(line, value)
        place = _skip(text, place)
        if text[place : place + 1] == "]":
            _expect_end(text, place + 1)
            return
        if text[place : place + 1] != ",":
            raise _broken(text, place, "expected a comma or the end of the list")
        place = _skip(text, place + 1)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a name that is there twice is noticed."""


def _json_row(line: int, value: Any) -> Row:
    if not isinstance(value, _Pairs):
        return Row(line, None, "must be an object, {…}")
    repeated = sorted({name for name, _ in value if sum(name == other for other, _ in value) > 1})
    if repeated:
        return Row(line, _plain(value), f"has {', '.join(repeated)} more than once")
    return Row(line, _plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {name: _plain(item) for name, item in value}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _expect_end(text: str, place: int) -> None:
    rest = _skip(text, place)
    if rest < len(text):
        raise _broken(text, rest, "there is something after the end of the list")


def _broken(text: str, place: int, why: str) -> FileError:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return FileError(f"The file is not JSON: line {line}, column {column}: {why}. Nothing was imported.")
