"""Logging: one line per event, as text or JSON, with the ids of the work at hand, and without secrets.

`scrub` is also for error texts that are stored or shown. Nothing here knows what the ids mean.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from portal.config import Settings
from portal.environ import mask_url

MASK = "***"
#: The words that may stand beside a line: who works on what.
CONTEXT_KEYS = ("execution_id", "order_id", "job_id", "connection_id")

_context: ContextVar[dict[str, str]] = ContextVar("portal_log_context", default={})  # noqa: B039 - never mutated
_secrets: set[str] = set()

_NAMES = (
    r"(?:signature|sign|api[-_]?key|api[-_]?secret|access[-_]?(?:key|sign|token)|secret(?:[-_]?key)?|password"
    r"|passphrase|private[-_]?key|token|listenkey|x-mbx-apikey|[\w-]*-(?:api-key|apikey|key|sign|passphrase))"
)
_PATTERNS = (
    # name=value and "name": "value", as in query strings, headers and JSON; also after one more quoting.
    (re.compile(rf"(?i)(\b{_NAMES}[\"']?\s*[:=]\s*)([\"'])(?:\\.|(?!\2).)*\2"), rf"\1\2{MASK}\2"),
    (re.compile(rf"(?i)(\b{_NAMES}\\[\"']\s*[:=]\s*)(\\[\"'])(?:.*?)\2"), rf"\1\2{MASK}\2"),
    (re.compile(rf"(?i)(\b{_NAMES}\s*[:=]\s*)(?![\\\"'])[^\s&,;\"'}}\])]+"), rf"\1{MASK}"),
    (
        re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)(?:(basic|bearer)\s+)?[^\s,\"'}\]]+"),
        rf"\1\2 {MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{12,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)(/hooks/tradingview/)[^\s/?\"']+"), rf"\1{MASK}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.S), MASK),
)
_URL_WITH_LOGIN = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/@\"']*:[^\s@\"']+@[^\s\"']*")


def register_secret(*secrets: str) -> None:
    """Keep these texts out of every line from now on. Texts of under six characters are ignored: masking
    those would eat ordinary words."""
    _secrets.update(secret for secret in secrets if len(secret) >= 6)


def scrub(text: str) -> str:
    """The text without registered secrets, signatures, keys, tokens and passwords."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _URL_WITH_LOGIN.sub(lambda found: mask_url(found.group()), text)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


@contextmanager
def log_context(**ids: object) -> Iterator[None]:
    """Put these ids on every line that is logged inside the block, in this thread or task."""
    unknown = ids.keys() - set(CONTEXT_KEYS)
    if unknown:
        raise ValueError(f"unknown log context: {', '.join(sorted(unknown))}")
    token = _context.set(_context.get() | {name: str(value) for name, value in ids.items()})
    try:
        yield
    finally:
        _context.reset(token)


class TextFormatter(logging.Formatter):
    """`time level logger ids: message`, always one line: line breaks are escaped, nobody can forge one."""

    def format(self, record: logging.LogRecord) -> str:
        ids = "".join(f" {name.removesuffix('_id')}-{value}" for name, value in _context.get().items())
        head = f"{_time(record)} {record.levelname:<7} {record.name}{ids}: "
        return one_line(scrub(head + _body(self, record)))


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname, "logger": record.name, **_context.get()}
        line["message"] = scrub(record.getMessage())
        if record.exc_info:
            line["exception"] = scrub(self.formatException(record.exc_info))
        return json.dumps(line)  # ASCII only: no exotic line separator survives


def configure(settings: Settings) -> None:
    """Send all logging to stderr in the chosen shape. May be repeated; handlers of others are left alone."""
    register_secret(*settings.secrets)
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.get_name() == "portal"]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("portal")
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    # At DEBUG these two print whole requests, with keys and signatures.
    for name in ("ccxt.base.exchange", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.WARNING)


def one_line(text: str) -> str:
    """The text with its control characters spelled out: a line break becomes the two characters \\n."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _body(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.exc_info:
        message += "\n" + formatter.formatException(record.exc_info)
    return message


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
