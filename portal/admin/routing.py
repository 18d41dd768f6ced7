"""`expose` with a type, so that mypy still sees the views behind it."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask_admin import expose

View = TypeVar("View", bound=Callable[..., Any])


def route(url: str, *, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    """Put a method of an admin view under `url`, below the view's own address."""
    decorate: Callable[[View], View] = expose(url, methods)
    return decorate
