"""One request on its way through the exchange, and the answer to it. No HTTP library in sight."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_plus

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.placement import PLAIN, Treatment

Security = Literal["none", "key", "signed"]


@dataclass(slots=True)
class Call:
    """What a handler needs to know about a request."""

    method: str
    path: str
    query: str
    body: str
    api_key: str
    params: dict[str, str]
    account: Account | None = None
    treatment: Treatment = PLAIN

    @property
    def user(self) -> Account:
        """The signed-in account; handlers of signed routes are only called with one."""
        if self.account is None:
            raise RuntimeError(f"{self.path} was called without an account")
        return self.account


@dataclass(slots=True)
class Reply:
    """An answer ready to be sent."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Exchange, Call], object]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler, the endpoint kind by which faults and latency name it, and who may call it."""

    handler: Handler
    endpoint: str
    security: Security = "signed"


Routes = dict[tuple[str, str], Route]


def parse_params(text: str) -> dict[str, str]:
    """Form or query parameters; the last of a repeated name wins. Faster than urllib for the plain case."""
    params: dict[str, str] = {}
    for pair in text.split("&"):
        name, separator, value = pair.partition("=")
        if not separator:
            continue
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name), unquote_plus(value)
        params[name] = value
    return params


def dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def error_reply(code: int, message: str, status: int) -> Reply:
    return Reply(status, dumps({"code": code, "msg": message}))
