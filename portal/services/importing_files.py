"""Reading an import file into rows that know their line. Judges no field; an unreadable file is refused
whole."""

from pathlib import Path

from portal.services.importing_csv import csv_rows
from portal.services.importing_json import json_rows
from portal.services.importing_rows import FileError, Row

_MOST_BYTES = 50 * 1024 * 1024


def read_rows(path: Path) -> list[Row]:
    """The rows of a `.json` or `.csv` file. Raises FileError with the line where it went wrong."""
    text = _read_text(path)
    if path.suffix.lower() == ".csv":
        return list(csv_rows(text))
    if path.suffix.lower() == ".json":
        return list(json_rows(text))
    raise FileError(f"{path.name} must end in .json or .csv, to make clear what it is. Nothing was imported.")


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror}. Nothing was imported.") from error
    if len(raw) > _MOST_BYTES:
        raise FileError(
            f"{path.name} is larger than {_MOST_BYTES // 2**20} MB. Nothing was imported; split it."
        )
    try:
        # Spreadsheets put a byte order mark in front; it says nothing.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{path.name} is not UTF-8 text (line {line}). Nothing was imported; save it as UTF-8."
        ) from error
