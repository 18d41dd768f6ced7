"""Running commands as a person does: against the services of this test run, in this process or in one of
its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from portal import logs
from portal.cli import main
from portal.config import Settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


Portal = Callable[..., Ran]


@pytest.fixture
def environment(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The variables that lead a command to the database and Redis of this test run."""
    return {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "DATABASE_URL": str(settings.database_url),
        "REDIS_URL": str(settings.redis_url),
        "PORTAL_SECRET_KEY": settings.secret_key,
        "PORTAL_CREDENTIAL_KEYS": ",".join(settings.credential_keys),
        "PORTAL_LOG_LEVEL": "WARNING",
    }


@pytest.fixture
def portal(app: Flask, environment: dict[str, str], settings: Settings) -> Portal:
    """`portal("halt", "--reason", "x")` runs a command in this process, on the tests' own empty database."""

    def run(*words: str, stdin: str | None = None, **env: str) -> Ran:
        result = CliRunner().invoke(main, [*words], input=stdin, env=environment | env)
        logs.configure(settings)  # the command's log went to a stream that is closed now
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def process(environment: dict[str, str]) -> Callable[..., "subprocess.Popen[str]"]:
    """Start `python -m portal …` as a process of its own."""

    def start(*words: str, **env: str) -> "subprocess.Popen[str]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        return subprocess.Popen(
            [sys.executable, "-m", "portal", *words],
            cwd=ROOT,
            env=clean | environment | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
