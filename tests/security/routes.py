"""Every route of the running application, with real addresses. Nothing is listed by hand: a new route is in
here by itself, and one with an unknown kind of argument fails the tests until somebody says what it means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Flask
from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.converters import AnyConverter, IntegerConverter

from portal.web.row_ids import RowIdConverter

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
#: They know a caller by a token that only the caller can send, never by a cookie.
TOKEN_BLUEPRINTS = frozenset({"api", "hooks"})
#: What texts in addresses mean that name no row.
TEXTS = {"export_type": "csv", "registry_name": "failed", "queue_name": "default"}


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one rule, at an address that exists."""

    method: str
    path: str
    rule: str
    endpoint: str
    #: Whether the address names a row, in the path or as `?id=`.
    names_a_row: bool

    @property
    def blueprint(self) -> str:
        return self.endpoint.partition(".")[0]

    @property
    def is_admin(self) -> bool:
        return self.rule.startswith("/admin/")

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


def routes(app: Flask, ids: Mapping[str, int]) -> list[Route]:
    """All of them; `signal_id` and its like are filled from `ids`."""
    with app.test_request_context():
        return list(_routes(app, ids))


def _routes(app: Flask, ids: Mapping[str, int]) -> Iterator[Route]:
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        if rule.endpoint.rpartition(".")[2] == "static":
            continue
        values = {name: _value(rule, name, ids) for name in rule.arguments}
        by_query = _query(rule, ids)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = adapter.build(rule.endpoint, values, method=method) + by_query
            names_a_row = bool(by_query) or any(name in ids for name in values)
            yield Route(method, path, rule.rule, rule.endpoint, names_a_row)


def _value(rule: Rule, name: str, ids: Mapping[str, int]) -> object:
    converter: BaseConverter = rule._converters[name]
    if isinstance(converter, RowIdConverter):
        assert name in ids, f"{rule.rule}: say in tests/security/tenants.py which row {name} is"
        return ids[name]
    if isinstance(converter, IntegerConverter):
        return converter.min or 0
    if name in TEXTS:
        return TEXTS[name]
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return "none"


def _query(rule: Rule, ids: Mapping[str, int]) -> str:
    """Flask-Admin names its rows in the query."""
    endpoint, _, view = rule.endpoint.partition(".")
    if endpoint.startswith("admin_") and view in {"details_view", "edit_view"}:
        name = endpoint.removeprefix("admin_").removesuffix("s") + "_id"
        return f"?id={ids.get(name, 1)}"
    return ""
