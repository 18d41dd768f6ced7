"""Every form that any page shows, found and not listed: a new page's form is in here by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from flask import Flask

from portal.models import User
from tests.security.routes import TOKEN_BLUEPRINTS, Route, routes
from tests.visiting import Visitor, visit

#: What a person types into.
TYPED = frozenset({
    "text", "textarea", "search", "email", "url", "number", "datetime-local", "date", "time", "tel",
    "password",
})  # fmt: skip
#: Pages that answer with a file, and the door out.
_NOT_PAGES = ("export", "logout")


@dataclass
class Form:
    """One form of a page: where it is, where it goes, and its fields by name with kind and value."""

    page: str
    action: str
    method: str
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Names of buttons, with their first value.
    buttons: dict[str, str] = field(default_factory=dict)
    #: Boxes that are ticked on the page.
    ticked: dict[str, list[str]] = field(default_factory=dict)

    @property
    def typed(self) -> list[str]:
        """The fields that a person types into."""
        return [name for name, (kind, _) in self.fields.items() if kind in TYPED]

    def unchanged(self) -> dict[str, Any]:
        """What a browser sends when nobody touches anything but the button; without the token."""
        untouched = {
            name: value
            for name, (kind, value) in self.fields.items()
            if kind not in ("checkbox", "file") and name != "csrf_token" and (value or kind != "select many")
        }
        return {**dict(list(self.buttons.items())[:1]), **untouched, **self.ticked}

    def __str__(self) -> str:
        return f"{self.action} on {self.page}"


class Forms(HTMLParser):
    """Reads a page; `found` are its forms."""

    def __init__(self, page: str = "/") -> None:
        super().__init__()
        self.found: list[Form] = []
        self._page = page
        self._inside = False
        self._select = ""
        self._untouched = False

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in pairs}
        name = given.get("name", "")
        if tag == "form":
            self._inside = True
            action = urljoin(self._page, given.get("action") or self._page)
            self.found.append(Form(self._page, action, given.get("method", "get").lower()))
        elif not self._inside:
            return
        elif tag == "button" and name:
            self.found[-1].buttons.setdefault(name, given.get("value", ""))
        elif tag in {"input", "textarea", "select"} and name:
            kind = given.get("type", "text") if tag == "input" else tag
            if "multiple" in given:
                kind = "select many"
            value = given.get("value", "on" if kind == "checkbox" else "")
            if kind == "checkbox" and "checked" in given:
                self.found[-1].ticked.setdefault(name, []).append(value)
            if kind != "radio" or "checked" in given:
                self.found[-1].fields[name] = (kind, value)
            else:
                self.found[-1].fields.setdefault(name, (kind, value))
            self._select = name if tag == "select" else ""
            # A browser takes the first option when none is chosen, and none where several may be.
            self._untouched = tag == "select" and "multiple" not in given
        elif tag == "option" and self._select and (self._untouched or "selected" in given):
            kind, _ = self.found[-1].fields[self._select]
            self.found[-1].fields[self._select] = (kind, given.get("value", ""))
            self._untouched = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def forms_in(page: str, text: str) -> list[Form]:
    parser = Forms(page)
    parser.feed(text)
    return parser.found


def forms_of(visitor: Visitor, page: str) -> list[Form]:
    """The forms of one page that change something."""
    answer = visitor.get(page)
    if answer.status_code != 200 or "html" not in answer.content_type:
        return []
    return [form for form in forms_in(page, answer.text) if form.method == "post"]


def all_forms(app: Flask, ids: Mapping[str, int], alice: User, admin: User) -> Iterator[tuple[User, Form]]:
    """Every form once, with somebody who may send it; the one for logging out is left out. Pages of the
    administration are read by `admin`, all others by `alice`."""
    seen: set[tuple[str, frozenset[str]]] = set()
    visitors = {False: visit(app, alice), True: visit(app, admin)}
    for route in pages(app, ids):
        for form in forms_of(visitors[route.is_admin], route.path):
            key = (form.action, frozenset(form.fields))
            if key not in seen and not form.action.endswith("/logout"):
                seen.add(key)
                yield (admin if route.is_admin else alice), form


def pages(app: Flask, ids: Mapping[str, int]) -> list[Route]:
    """Every address that can be read and is a page."""
    return [
        route
        for route in routes(app, ids)
        if route.method == "GET"
        and route.blueprint not in TOKEN_BLUEPRINTS
        and not route.endpoint.endswith(_NOT_PAGES)
    ]


def filled(form: Form, text: str, *, secret: str | None = None) -> dict[str, Any]:
    """The form as it is on the page, with `text` where somebody types, `secret` where a secret goes."""
    typed = {
        name: secret if secret is not None and form.fields[name][0] == "password" else text
        for name in form.typed
    }
    return form.unchanged() | typed
