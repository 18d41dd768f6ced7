"""The URL converter for row ids, so that a number no row can have is a plain 404. Knows no table."""

from flask import Flask
from werkzeug.routing import BaseConverter


class RowIdConverter(BaseConverter):
    """A positive number that fits a BIGINT; `<row_id:signal_id>` in a route."""

    regex = r"[1-9][0-9]{0,17}"
    part_isolating = True

    def to_python(self, value: str) -> int:
        return int(value)


def init_app(app: Flask) -> None:
    """Make the converter known as `row_id`. May be repeated."""
    app.url_map.converters["row_id"] = RowIdConverter
