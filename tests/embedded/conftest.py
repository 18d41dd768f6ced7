"""A data dir for tests that start servers of their own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data dir. Not below tmp_path: every pytest run on the machine takes that away from other users
    again, and under root PostgreSQL is another user."""
    with tempfile.TemporaryDirectory(prefix="portico-tests-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve() / "var"
