"""The table in docs/security.md and the tests of this project say the same."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"


@cache
def all_tests() -> frozenset[str]:
    return frozenset(
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def rows() -> dict[int, str]:
    found = re.findall(r"^\| S(\d+) \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(number): text for number, text in found}


def bearing(number: int) -> list[str]:
    """Tests whose name carries the number, alone or among others: `test_s18_s21_…`."""
    return [name for name in all_tests() if re.match(rf"test_(?:[a-z]\d\d_)*s{number:02d}_", name)]


def test_checklist_has_each_of_the_44_numbers_once() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^\| S(\d+) \|", text, re.MULTILINE)] == list(range(1, 45))


def test_every_number_of_the_checklist_has_a_test_or_a_reason() -> None:
    bare = [number for number, text in rows().items() if not bearing(number) and "*Reason:*" not in text]
    assert bare == []


def test_every_test_that_the_checklist_names_exists() -> None:
    wrong = []
    for number, text in rows().items():
        for named in re.findall(r"`(test_\w+…?)`", text):
            exists = bool(bearing(number)) if named == f"test_s{number:02d}_…" else named in all_tests()
            if not exists:
                wrong.append(f"S{number}: {named}")
    assert wrong == []


def test_tests_with_a_number_belong_to_one_that_exists() -> None:
    numbers = {int(each) for name in all_tests() for each in re.findall(r"_s(\d\d)(?=_)", name)}
    assert numbers <= set(range(1, 45))
