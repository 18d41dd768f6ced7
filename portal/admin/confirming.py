"""The page between a click and its consequence: GET says what will happen, POST does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView

from portal.db import Base, db
from portal.errors import NotFoundError, PortalError

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what follows. Without `possible` there is nothing to press."""

    question: str
    sentences: Sequence[str]
    label: str
    back: str
    kind: str = "primary"
    warning: str = ""
    possible: bool = True


def confirm(view: BaseView, question: Question, do: Callable[[], str]) -> ResponseReturnValue:
    """Show `question` on GET. On POST do it and go back with what `do` says, or with why it was refused."""
    if request.method != "POST":
        return str(view.render("admin/confirm.html", **{name: getattr(question, name) for name in _FIELDS}))
    return act(question.back, do)


def act(back: str, do: Callable[[], str]) -> ResponseReturnValue:
    """Do something for a POST and go `back` with the sentence it returns, or with why it was refused."""
    try:
        flash(do(), "success")
    except PortalError as error:
        flash(error.message, "error")
    return redirect(back)


_FIELDS = ("question", "sentences", "label", "back", "kind", "warning", "possible")


def found(model: type[Row], row_id: int) -> Row:
    """The row with this id. Raises NotFoundError, which becomes the 404 page."""
    row = db.session.get(model, row_id)
    if row is None:
        raise NotFoundError(f"There is no row {row_id} here.")
    return row
