"""The filters above lists: a choice, a piece of text, a number, a span of days. Values are checked first."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import EnumType, StrEnum
from typing import Any

import sqlalchemy as sa
from flask_admin.contrib.sqla.filters import BaseSQLAFilter

from portal.models import Execution, User

Options = Sequence[tuple[str, str]]


class Choice(BaseSQLAFilter):  # type: ignore[misc]
    """One of known values; `options` may be a function that is asked for every page."""

    def __init__(
        self, column: Any, name: str, options: type[StrEnum] | Options | Callable[[], Options]
    ) -> None:
        super().__init__(column, name, options=_options(options))

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        return query.filter(self.get_column(_alias) == value)

    def clean(self, value: str) -> Any:
        kind = self.column.type.python_type
        if kind is bool:
            return value == "yes"
        return int(value) if kind is int else value

    def operation(self) -> str:
        return "is"

    def validate(self, value: str) -> bool:
        return value in {str(known) for known, _ in self.get_options(None) or ()}


class Contains(BaseSQLAFilter):  # type: ignore[misc]
    """A piece of the text, in any case."""

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        return query.filter(self.get_column(_alias).icontains(value, autoescape=True))

    def operation(self) -> str:
        return "contains"

    def validate(self, value: str) -> bool:
        return bool(value) and len(value) <= 200 and "\x00" not in value


class Number(BaseSQLAFilter):  # type: ignore[misc]
    """An id."""

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        return query.filter(self.get_column(_alias) == value)

    def clean(self, value: str) -> int:
        return int(value)

    def operation(self) -> str:
        return "is"

    def validate(self, value: str) -> bool:
        return value.isascii() and value.isdigit() and len(value) < 18


class Person(BaseSQLAFilter):  # type: ignore[misc]
    """Somebody's, by a piece of the address or by number; the column holds the number."""

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        column = self.get_column(_alias)
        if value.isascii() and value.isdigit():
            return query.filter(column == int(value))
        known = sa.select(User.id).where(User.email.icontains(value, autoescape=True))
        return query.filter(column.in_(known))

    def operation(self) -> str:
        return "is"

    def validate(self, value: str) -> bool:
        return bool(value) and len(value) <= (17 if value.isdigit() else 200) and "\x00" not in value


class OfSignal(Number):
    """What one signal led to; the column holds the number of an execution."""

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        mine = sa.select(Execution.id).where(Execution.signal_id == value)
        return query.filter(self.get_column(_alias).in_(mine))


class Since(BaseSQLAFilter):  # type: ignore[misc]
    """On that UTC day or later."""

    def __init__(self, column: Any, name: str) -> None:
        super().__init__(column, name, data_type="date")

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        return query.filter(self.get_column(_alias) >= value)

    def clean(self, value: str) -> datetime:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)

    def operation(self) -> str:
        return "from"

    def validate(self, value: str) -> bool:
        try:
            self.clean(value)
        except ValueError:
            return False
        return True


class Until(Since):
    """On that UTC day or earlier."""

    def apply(self, query: Any, value: Any, _alias: Any = None) -> Any:
        return query.filter(self.get_column(_alias) < value + timedelta(days=1))

    def operation(self) -> str:
        return "until"


YES_NO: Options = (("yes", "yes"), ("no", "no"))


def _options(options: type[StrEnum] | Options | Callable[[], Options]) -> Any:
    return words(options) if isinstance(options, EnumType) else options


def words(enum: Iterable[StrEnum]) -> Options:
    """Choices for a list box: the value and how people read it."""
    return [(member.value, member.value.replace("_", " ")) for member in enum]
