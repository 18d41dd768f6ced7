"""Files that pages refer to have their content in their address, so that browsers may keep them for a year
and see a new one at once. Names files, serves none."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.security import safe_join

_YEAR = "public, max-age=31536000, immutable"
#: For addresses without the right version: links from elsewhere, and pages from before an upgrade.
_HOUR = "public, max-age=3600"
_FOUND = (200, 206, 304)
#: Path: when it was changed last, and its version then.
_known: dict[str, tuple[int, str]] = {}


def init_app(app: Flask) -> None:
    """Let `url_for` add `v` to the addresses of static files, which are nobody's: they bring no cookie."""
    app.url_defaults(_add_version)
    app.session_interface = _NoCookieWithFiles()


class _NoCookieWithFiles(SecureCookieSessionInterface):
    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        # A cache between us and the browser may keep a file, and would hand out the cookie with it.
        if not is_static():
            super().save_session(app, session, response)


def is_static() -> bool:
    """Whether this request asks for a file."""
    return (request.endpoint or "").rpartition(".")[2] == "static"


def caching(response: Response) -> str:
    """How long `response`, a file or the lack of one, may be kept."""
    if response.status_code not in _FOUND:
        return "no-store"
    wanted = version(request.endpoint or "", (request.view_args or {}).get("filename", ""))
    return _YEAR if wanted is not None and request.args.get("v") == wanted else _HOUR


def version(endpoint: str, filename: str) -> str | None:
    """The first ten digits of the SHA-256 of a static file; None when there is no such file."""
    owner = endpoint.rpartition(".")[0]
    folder = (current_app.blueprints[owner] if owner else current_app).static_folder
    path = safe_join(folder or "", filename)
    try:
        changed = Path(path or "").stat().st_mtime_ns
        if path not in _known or _known[path][0] != changed:
            _known[path or ""] = changed, hashlib.sha256(Path(path or "").read_bytes()).hexdigest()[:10]
    except OSError:
        return None
    return _known[path or ""][1]


def _add_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint.rpartition(".")[2] == "static" and "v" not in values:
        found = version(endpoint, values.get("filename", ""))
        if found is not None:
            values["v"] = found
