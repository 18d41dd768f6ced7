"""How values look on pages: times, money, quantities and statuses. Pure text; asks nobody anything."""

import base64
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any

from flask import Flask
from markupsafe import Markup

from portal.db import utcnow

#: Currencies that people read with two decimals.
_CENTS = frozenset({"USD", "USDT", "USDC", "EUR", "GBP", "CHF", "FDUSD", "BUSD", "DAI", "TUSD", "AUD", "CAD"})
_NOTHING = Markup('<span class="muted">–</span>')

#: Characters that two lines of a list take without a lid.
_SHORT = 80

#: Meaning of a word, as a colour beside the word. Everything else is neutral.
_TONES = {
    "good": "active healthy filled native published current enabled finished idle yes open_position ok",
    "busy": "pending in_flight open partially_filled testing closing local started busy queued draft",
    "warn": "denied expired stale reducing not_placed paused suspended deferred unprotected scheduled",
    "bad": "error rejected failed unresolved halted liquidated liquidation emergency revoked no_protection",
}
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words.split()}


def status_badge(value: Any) -> Markup:
    """A status as a word in its colour, so that it can be read without seeing colours."""
    if value is None or value == "":
        return _NOTHING
    word = value.value if isinstance(value, StrEnum) else str(value)
    tone = _TONE_OF.get(word.lower(), "plain")
    return Markup('<span class="badge badge-{}">{}</span>').format(tone, word.replace("_", " "))


def when(moment: datetime | None, *, now: datetime | None = None) -> Markup:
    """`3 min ago`, with the exact UTC time when pointed at."""
    if moment is None:
        return _NOTHING
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S UTC"),
        _relative(exact, now or utcnow()),
    )


def money(value: Decimal | None, currency: str | None = None, *, signed: bool = False) -> Markup:
    """An amount with thousands separators and its currency; two decimals where people expect them."""
    if value is None:
        return _NOTHING
    if currency in _CENTS:
        text = f"{value.quantize(Decimal('0.01'), rounding=ROUND_HALF_EVEN):,f}"
    else:
        text = plain_number(value)
    unit = Markup(' <span class="unit">{}</span>').format(currency) if currency else Markup("")
    text = _sign(text, signed)
    return Markup('<span class="{}">{}{}</span>').format(_number_class(value, signed), text, unit)


def number(value: Decimal | int | None, unit: str = "", *, signed: bool = False) -> Markup:
    """A quantity, price or count: exact, without useless zeros."""
    if value is None:
        return _NOTHING
    suffix = Markup(' <span class="unit">{}</span>').format(unit) if unit else Markup("")
    text = _sign(plain_number(Decimal(value)), signed)
    return Markup('<span class="{}">{}{}</span>').format(_number_class(Decimal(value), signed), text, suffix)


def plain_number(value: Decimal) -> str:
    """All digits of `value`, thousands separated, no trailing zeros, no exponent."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def yes_no(value: bool | None) -> Markup:
    if value is None:
        return _NOTHING
    return Markup("yes") if value else Markup('<span class="muted">no</span>')


def long_text(text: str | None) -> Markup:
    """A sentence of any length in two lines; the rest opens by pointing, a click or a key."""
    if not text:
        return _NOTHING
    if len(text) <= _SHORT:
        return Markup("{}").format(text)
    return Markup('<details class="long"><summary title="{0}">{0}</summary></details>').format(text)


def inline_svg(data_uri: str) -> Markup:
    """The picture of a `data:image/svg+xml;base64,` address that this server made itself, as markup, because
    the content security policy allows no data addresses."""
    _, _, encoded = data_uri.partition(",")
    return Markup(re.sub(r"^<\?xml.*?\?>", "", base64.b64decode(encoded).decode()))  # noqa: S704 - see above


def init_app(app: Flask) -> None:
    """Make the helpers known to templates, as globals."""
    helpers = (status_badge, when, money, number, yes_no, utcnow, inline_svg, long_text)
    app.jinja_env.globals.update({helper.__name__: helper for helper in helpers})


def _sign(text: str, signed: bool) -> str:
    minus = text.replace("-", "\N{MINUS SIGN}")
    return f"+{minus}" if signed and text[0] != "-" and text.strip("0.,") else minus


def _number_class(value: Decimal, signed: bool) -> str:
    if not signed or not value:
        return "num"
    return "num gain" if value > 0 else "num loss"


def _relative(moment: datetime, now: datetime) -> str:
    seconds = int((now - moment).total_seconds())
    distance = abs(seconds)
    if distance < 10:
        return "just now"
    if distance >= 7 * 86400:
        return moment.strftime("%d %b %Y").lstrip("0")
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if distance >= size:
            text = f"{distance // size} {name}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return "just now"
