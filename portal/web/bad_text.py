"""Refuses what no browser sends and no database keeps: a NUL character in an address or a form. Looks at
pages only; the API reads its bodies by itself."""

from flask import Flask, request
from werkzeug.exceptions import BadRequest

_NOT_HERE = ("/api/", "/hooks/")


class UnkeepableText(BadRequest):
    """A text that no database keeps."""

    description = (
        "A field holds a character that no text can have (NUL); it comes along when something is copied out"
        " of a damaged file. Nothing was changed."
    )


def init_app(app: Flask) -> None:
    """Look before every request, and so before anything is asked of the database."""
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    if _has_nul(request.path) or any(
        _has_nul(part) for pair in request.args.items(multi=True) for part in pair
    ):
        raise UnkeepableText
    if request.method != "POST" or request.path.startswith(_NOT_HERE):
        return
    if any(_has_nul(part) for pair in request.form.items(multi=True) for part in pair):
        raise UnkeepableText


def _has_nul(text: str) -> bool:
    return "\x00" in text
