"""Fills the last column of docs/faults.md with the tests that exist: `python -m tests.faults.catalogue`."""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
COUNT = 64
#: A row names so many tests at most; the others are found by their names.
SHOWN = 3
#: Instead of a test: why the fault does not apply.
REASON = "Does not apply: "


def tests_by_fault() -> dict[int, list[str]]:
    """`file::name` of every test function that carries a number of the catalogue in its name; those that
    begin with it first."""
    found: dict[int, list[tuple[bool, str]]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                place = f"{path.relative_to(ROOT / 'tests')}::{node.name}"
                for number in re.findall(r"(?<=_)f(\d\d)(?=_)", node.name):
                    found[int(number)].append((not node.name.startswith(f"test_f{number}"), place))
    return {number: [place for _, place in sorted(places)] for number, places in found.items()}


def rows(page: str) -> dict[int, list[str]]:
    """The cells of each row of the page, by number. Raises ValueError when a number comes twice."""
    found: dict[int, list[str]] = {}
    for line in page.splitlines():
        if match := re.match(r"\| F(\d+) \|", line):
            number = int(match[1])
            if number in found:
                raise ValueError(f"F{number} has two rows")
            found[number] = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    return found


def filled(page: str) -> str:
    """The page with its last column from the tests."""
    proofs = tests_by_fault()
    lines = []
    for line in page.splitlines():
        if match := re.match(r"\| F(\d+) \|", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            names = proofs.get(int(match[1]), [])
            if names:
                cells[3:] = ["<br>".join(f"`{name}`" for name in names[:SHOWN])]
            lines.append(f"| {' | '.join(cells)} |")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} was filled\n")
