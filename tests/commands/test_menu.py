"""The menu, misuse, and errors that become sentences."""

import subprocess
import sys
from pathlib import Path

import pytest

from portal.cli import COMMANDS
from tests.commands.conftest import ROOT, Portal

#: domain.md names these; tools outside of this repository call them.
BINDING = {
    "up", "web", "worker", "scheduler", "sandbox", "db", "check", "create-user", "create-token",
    "import-connections", "import-presets", "rotate-keys", "verify-books", "halt", "reduce", "resume",
    "reconcile",
}  # fmt: skip


def test_the_menu_has_every_command(portal: Portal) -> None:
    ran = portal("--help")

    assert ran.code == 0
    assert set(COMMANDS) >= BINDING
    assert all(f"  {name} " in ran.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(portal: Portal, name: str) -> None:
    ran = portal(name, "--help")

    assert ran.code == 0
    assert "Usage:" in ran.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",), ("halt", "--nonsense"), ("create-user",), ("create-user", "a@b.c", "--role", "king"),
        ("up", "--port", "0"), ("worker", "--concurrency", "many"), ("import-connections", "missing.json"),
    ],
)  # fmt: skip
def test_misuse_ends_with_2(portal: Portal, words: tuple[str, ...]) -> None:
    ran = portal(*words)

    assert ran.code == 2
    assert "Error" in ran.stderr


@pytest.mark.parametrize("words", [["--help"], ["sandbox", "--help"]])
def test_the_menu_and_the_sandbox_import_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys\nfrom portal.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        "print(sorted({'ccxt', 'flask', 'sqlalchemy', 'rq'} & set(sys.modules)), file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stderr.strip() == "[]"


def test_a_wrong_setting_is_one_sentence(portal: Portal) -> None:
    ran = portal("verify-books", PORTAL_WEB_THREADS="many")

    assert (ran.code, ran.stdout) == (1, "")
    assert ran.stderr == "Error: PORTAL_WEB_THREADS must be a whole number from 1 to 256, was 'many'.\n"


def test_a_database_that_is_away_is_one_sentence_without_its_password(portal: Portal) -> None:
    ran = portal("verify-books", DATABASE_URL="postgresql://user:canary@127.0.0.1:1/x")

    assert (ran.code, ran.stdout) == (1, "")
    assert "could not be reached" in ran.stderr
    assert "canary" not in ran.stderr


def test_a_data_dir_that_cannot_be_made_is_one_sentence(portal: Portal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ran = portal("verify-books", PORTAL_DATA_DIR=str(tmp_path / "file" / "var"))

    assert ran.code == 1
    assert ran.stderr.count("\n") == 1
    assert "cannot be used" in ran.stderr
