"""CSV import files: the names of the JSON format as columns, credentials as columns of their own."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from portal.services.importing_rows import FileError, Row

_CREDENTIALS = ("apiKey", "secret", "password")
COLUMNS = ("name", "exchange_name", "type", "mode", *_CREDENTIALS, "settings", "preset", "is_admin_owned")
#: Credentials are missed per row: paper accounts have none.
_REQUIRED = ("name", "exchange_name", "type", "mode")


def csv_rows(text: str) -> Iterator[Row]:
    """The rows below the header, in the shape of the JSON format. Raises FileError; a bad row has its
    problem."""
    if "\0" in text:
        raise FileError(
            "The file has NUL characters and is no CSV text. Nothing was imported; save it as UTF-8."
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        _check_header(header)
        first = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _csv_row(first, header, cells)
            first = reader.line_num + 1
    except csv.Error as error:
        raise FileError(
            f"The file is not CSV: line {reader.line_num}: {error}. Nothing was imported."
        ) from None


def _check_header(header: Sequence[str]) -> None:
    if header and not set(header) & set(COLUMNS) and not _separated_otherwise(header):
        # Most likely the first row of a file without a header: it may hold a key, and is not repeated.
        raise FileError(
            f"Line 1 names none of the columns. It must be the header; known columns: {', '.join(COLUMNS)}. "
            "Nothing was imported."
        )
    unknown = [column for column in header if column not in COLUMNS]
    missing = [column for column in _REQUIRED if column not in header]
    repeated = sorted({column for column in header if header.count(column) > 1})
    problems = []
    if _separated_otherwise(header):
        problems.append("the columns must be separated by commas")
    elif unknown:
        problems.append(f"unknown columns {', '.join(map(repr, unknown))}")
    if missing:
        problems.append(f"missing columns {', '.join(missing)}")
    if repeated:
        problems.append(f"columns that are there twice: {', '.join(repeated)}")
    if problems:
        raise FileError(
            f"Line 1, the header: {'; '.join(problems)}. Known columns: {', '.join(COLUMNS)}. "
            "Nothing was imported."
        )


def _separated_otherwise(header: Sequence[str]) -> bool:
    return len(header) == 1 and (";" in header[0] or "\t" in header[0])


def _csv_row(line: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(header):
        return Row(line, None, f"has {len(cells)} cells, the header has {len(header)}")
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    data: dict[str, Any] = {name: value for name, value in given.items() if name not in _CREDENTIALS}
    data["credentials"] = {name: given[name] for name in _CREDENTIALS if name in given}
    if "settings" in data:
        # What is not JSON stays text, and is refused like any other text in that place.
        with contextlib.suppress(ValueError):
            data["settings"] = json.loads(data["settings"], parse_float=str)
    return Row(line, data)
