"""Reading an import file into rows that know their line. Judges no field; an unreadable file is refused
whole."""

from pathlib import Path

from portal.services.importing_csv import csv_rows
from portal.services.importing_json import json_rows
from portal.services.importing_rows import FileError, Row

_MOST_BYTES = 50 * 1024 * 1024


def read_rows(path: Path) -> list[Row]:
    """The rows of a `.json` or `.csv` file. Raises FileError with the line where it went wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror}. Nothing was imported.") from error
    return read_content(raw, path.name)


def read_content(raw: bytes, name: str) -> list[Row]:
    """The rows of a file that is in memory already. `name` ends in .json or .csv. Raises FileError."""
    kind = name.lower().rpartition(".")[2]
    if kind not in ("csv", "json"):
        raise FileError(f"{name} must end in .json or .csv, to make clear what it is. Nothing was imported.")
    text = _decode(raw, name)
    return list(csv_rows(text) if kind == "csv" else json_rows(text))


def read_pasted(text: str) -> list[Row]:
    """The rows of a text that somebody pasted: JSON when it begins like a list or an object, else CSV. Raises
    FileError."""
    return list(json_rows(text) if text.lstrip("\ufeff \t\r\n")[:1] in ("[", "{") else csv_rows(text))


def _decode(raw: bytes, name: str) -> str:
    if len(raw) > _MOST_BYTES:
        raise FileError(f"{name} is larger than {_MOST_BYTES // 2**20} MB. Nothing was imported; split it.")
    try:
        # Spreadsheets put a byte order mark in front; it says nothing.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{name} is not UTF-8 text (line {line}). Nothing was imported; save it as UTF-8."
        ) from error
