"""The one place that writes to the outside: one message to one address, once, without redirects and to public
addresses only."""

import logging
import threading
from collections.abc import Sequence

from portal.errors import PortalError, ValidationError
from portal.logs import scrub
from portal.services.channels.addresses import open_plugin
from portal.services.channels.guard import public_addresses_only
from portal.services.channels.texts import Message

_LONGEST_REASON = 300


class NotDeliveredError(PortalError):
    """The service did not take the message; the text says why, without the address's secrets."""


def post(url: str, message: Message, private_hosts: Sequence[str] = ()) -> None:
    """Send `message` to `url`; up to 20 seconds. Raises NotDeliveredError. Not inside a transaction."""
    try:
        plugin = open_plugin(url)
    except ValidationError as error:
        raise NotDeliveredError("the stored address is not one that Portico writes to any more") from error
    with _Listening() as heard, public_addresses_only(private_hosts) as fence:
        try:
            done = plugin.notify(body=message.body, title=message.title)
        except Exception as error:  # a plugin's bug is a message that was not delivered
            raise NotDeliveredError(_safe(f"{type(error).__name__}: {error}", url)) from None
    if not done:
        why = fence.refused or "; ".join(heard.lines) or "the service did not take the message"
        raise NotDeliveredError(_safe(why, url))


class _Listening(logging.Handler):
    """Apprise says why a message failed only in its log: hear what this thread causes there."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> "_Listening":
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def _safe(text: str, url: str) -> str:
    """Without any piece of the address that could be its secret."""
    clean = scrub(" ".join(text.split()))
    pieces = url.replace("?", "/").replace("&", "/").replace("=", "/").replace("@", "/").replace(":", "/")
    for piece in pieces.split("/"):
        if len(piece) >= _SHORTEST_SECRET and "." not in piece:
            clean = clean.replace(piece, "***")
    return clean[:_LONGEST_REASON]


_SHORTEST_SECRET = 6
