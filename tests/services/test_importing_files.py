"""Reading import files: every row knows its line, and a file that cannot be read is refused whole."""

from pathlib import Path

import pytest

from portal.services.importing_files import read_rows
from portal.services.importing_rows import FileError

HEADER = "name,exchange_name,type,mode,apiKey,secret,password,settings,preset,is_admin_owned\n"


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_json_rows_know_the_line_on_which_they_begin(tmp_path: Path) -> None:
    text = '[\n {"name": "a",\n  "x": [1, {"y": 2}]},\n\n {"name": "b"}, {"name": "c"}\n]\n'

    rows = read_rows(written(tmp_path, "a.json", text))

    assert [(row.line, row.data["name"]) for row in rows] == [(2, "a"), (5, "b"), (5, "c")]
    assert rows[0].data["x"] == [1, {"y": 2}]


def test_a_json_number_keeps_every_digit(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "a.json", '[{"v": 0.1234567890123456789}]'))

    assert rows[0].data["v"] == "0.1234567890123456789"


def test_a_json_file_may_have_a_byte_order_mark_and_no_rows(tmp_path: Path) -> None:
    assert read_rows(written(tmp_path, "a.json", "\ufeff[ ]\r\n")) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a JSON list"),
        ("{}", "must be a JSON list"),
        ('{"connections": []}', "must be a JSON list"),
        ('[{"a": 1},\n {"b": }]', "line 2, column 8"),
        ('[{"a": 1}\n {"b": 1}]', "line 2, column 2: expected a comma"),
        ('[{"a": 1},]', "line 1, column 11"),
        ('[{"a": 1}', "line 1, column 10"),
        ("[{}] []", "after the end"),
        ('[{"a": NaN}]', "NaN is not a number"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_broken_json_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read_rows(written(tmp_path, "a.json", text))


def test_a_json_row_that_is_no_object_or_repeats_a_name_has_a_problem(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "a.json", '[5, "x", [], {"name": "a", "name": "b"}]'))

    assert [bool(row.problem) for row in rows] == [True] * 4
    assert "name more than once" in rows[3].problem


def test_csv_rows_have_the_shape_of_json_and_the_line_on_which_they_begin(tmp_path: Path) -> None:
    text = (
        "\ufeff"
        + HEADER
        + 'one,bybit,crypto,paper,k,s,,"{""a"": 1}",,true\n\n"tw\no",okx,crypto,live,k,s,p,,P,\n'
    )
    text += "three,okx,crypto,live,k,s,p,,,\n"

    rows = read_rows(written(tmp_path, "a.csv", text))

    assert [row.line for row in rows] == [2, 4, 6]
    assert rows[0].data == {
        "name": "one", "exchange_name": "bybit", "type": "crypto", "mode": "paper", "settings": {"a": 1},
        "is_admin_owned": "true", "credentials": {"apiKey": "k", "secret": "s"},
    }  # fmt: skip
    assert rows[1].data["credentials"]["password"] == "p"


def test_a_csv_row_with_another_number_of_cells_has_a_problem(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, "a.csv", HEADER + "one,bybit\n"))

    assert (rows[0].line, rows[0].problem) == (2, "has 2 cells, the header has 10")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "missing columns"),
        ("name,api_key\n", "unknown columns 'api_key'"),
        (HEADER.replace(",", ";"), "separated by commas"),
        (HEADER.strip() + ",name\n", "there twice: name"),
        (HEADER + '"a', "not CSV: line 2"),
        (HEADER + "a\x00b\n", "NUL"),
    ],
)
def test_a_csv_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read_rows(written(tmp_path, "a.csv", text))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_refused_with_a_hint(tmp_path: Path, encoding: str) -> None:
    content = (HEADER + "Größe,bybit,crypto,paper,k,s,,,,\n").encode(encoding)

    with pytest.raises(FileError, match="UTF-8"):
        read_rows(written(tmp_path, "a.csv", content))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"\.json or \.csv"):
        read_rows(written(tmp_path, "a.xlsx", "x"))
