"""Static files: their address follows their content, and only the right address is kept for long."""

import os
import re
from pathlib import Path

import pytest
from flask import Flask, url_for

from portal.web import static_files
from tests.visiting import Visitor, visit

YEAR, HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"


@pytest.fixture
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Static files that can be changed."""
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    return tmp_path


def write(path: Path, text: str, changed: int) -> None:
    path.write_text(text)
    os.utime(path, (changed, changed))


def address(app: Flask, filename: str) -> str:
    with app.test_request_context():
        return url_for("static", filename=filename)


def test_address_when_the_file_changes_then_changes_and_only_then(app: Flask, folder: Path) -> None:
    write(folder / "a.css", "a {}", 1)
    first = address(app, "a.css")
    assert re.fullmatch(r"/static/a\.css\?v=[0-9a-f]{10}", first)
    write(folder / "a.css", "a {}", 2)
    assert address(app, "a.css") == first
    write(folder / "a.css", "b {}", 3)
    assert address(app, "a.css") != first
    assert address(app, "missing.css") == "/static/missing.css"


def test_file_when_its_version_is_right_then_is_kept_for_a_year_and_else_for_an_hour(
    app: Flask, folder: Path
) -> None:
    write(folder / "a.css", "a {}", 1)
    stranger = visit(app)
    kept = {
        path: stranger.get(path).headers["Cache-Control"]
        for path in (
            address(app, "a.css"),
            "/static/a.css",
            "/static/a.css?v=0123456789",
            "/static/b.css?v=1",
        )
    }
    assert list(kept.values()) == [YEAR, HOUR, HOUR, "no-store"]


def test_file_when_somebody_is_logged_in_then_brings_no_cookie_and_is_the_same_for_all(
    visitor: Visitor,
) -> None:
    with visitor.client.session_transaction() as session:
        session.permanent = True
    assert "Set-Cookie" in visitor.get("/").headers
    for path in re.findall(r'/static/[^"#]+', visitor.get("/").text):
        answer = visitor.get(path)
        assert answer.headers["Cache-Control"] == YEAR, path
        assert "Set-Cookie" not in answer.headers
        assert "Vary" not in answer.headers


def test_version_when_the_name_leads_out_of_the_folder_then_is_none(app: Flask, folder: Path) -> None:
    write(folder.parent / "secret", "x", 1)
    with app.test_request_context():
        assert static_files.version("static", "../secret") is None
        assert static_files.version("admin.static", "nothing.css") is None
