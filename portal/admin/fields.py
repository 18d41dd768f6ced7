"""Form fields of the administration: exact numbers, UTC times, lists, JSON and choices of rows."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError
from wtforms.widgets import TextInput

from portal.db import db


class TextField(StringField):  # type: ignore[misc]
    """Trimmed text; an empty input is an empty text."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = valuelist[0].strip() if valuelist else ""


class NumberField(Field):  # type: ignore[misc]
    """A decimal number or nothing. Limits are the service's business; this refuses what is no number."""

    widget = TextInput()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("render_kw", {"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(*args, **kwargs)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        text = f"{self.data:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        if not text:
            self.data = None
            return
        try:
            self.data = Decimal(text)
        except InvalidOperation:
            self.data = None
            raise ValueError("This is not a number. Write it like 1234.5.") from None
        if not self.data.is_finite():
            self.data = None
            raise ValueError("This is not a number. Write it like 1234.5.")


class LinesField(TextAreaField):  # type: ignore[misc]
    """Several short texts, one per line or separated by commas."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "\n".join(str(each) for each in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].replace(",", "\n") if valuelist else ""
        self.data = [line.strip() for line in text.splitlines() if line.strip()]


class JsonField(TextAreaField):  # type: ignore[misc]
    """A JSON object, or nothing."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return json.dumps(self.data, indent=2) if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        try:
            self.data = json.loads(text) if text else {}
        except ValueError:
            self.data = {}
            raise ValueError("This is not valid JSON.") from None
        if not isinstance(self.data, dict):
            raise ValueError('This must be a JSON object, such as {"name": "value"}.')


class MomentField(Field):  # type: ignore[misc]
    """A moment in UTC, or nothing."""

    widget = TextInput(input_type="datetime-local")

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        try:
            self.data = datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
        except ValueError:
            self.data = None
            raise ValueError("Write the time in UTC, like 2030-01-31T12:00.") from None


class WordField(SelectField):  # type: ignore[misc]
    """One value of an enumeration; `empty` is the text for none."""

    def __init__(self, label: str, enum: type[StrEnum], *, empty: str | None = None, **kwargs: Any) -> None:
        words = [SelectChoice(member.value, member.value.replace("_", " ")) for member in enum]
        choices = [*_none(empty), *words]
        super().__init__(label, choices=choices, coerce=lambda text: enum(text) if text else None, **kwargs)
        self._may_be_empty = empty is not None

    def pre_validate(self, form: Any) -> None:
        if self.data is None and not self._may_be_empty:
            raise ValidationError("Choose one.")


class RowField(SelectField):  # type: ignore[misc]
    """The id of one row of a table, chosen by name; `empty` is the text for none."""

    def __init__(
        self, label: str, rows: Callable[[], Any], *, empty: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(label, choices=lambda: _row_choices(rows, empty), coerce=_row_id, **kwargs)


def _none(text: str | None) -> list[SelectChoice]:
    return [] if text is None else [SelectChoice("", text)]


def _row_choices(rows: Callable[[], Any], empty: str | None) -> list[SelectChoice]:
    return [*_none(empty), *(SelectChoice(str(row_id), name) for row_id, name in db.session.execute(rows()))]


def _row_id(text: Any) -> int | None:
    return None if text in (None, "", "None") else int(text)
