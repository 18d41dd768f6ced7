"""The one place that writes to the outside: messages to addresses, once, without redirects, to public
addresses only, and in a bounded time. Each has a thread of its own, so that none waits for another."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from portal.errors import PortalError, ValidationError
from portal.logs import scrub
from portal.services.channels.addresses import open_plugin, place_of
from portal.services.channels.guard import Fence, inside
from portal.services.channels.places import Places, PutOffError
from portal.services.channels.texts import Message

#: Seconds for a message, whatever the service does meanwhile.
WHOLE = 8.0
#: A failure that took so many seconds is one of a service that does not answer.
_SLOW = 2.5
_LONGEST_REASON = 300
_SHORTEST_SECRET = 6


class NotDeliveredError(PortalError):
    """The service did not take the message; the text says why, without the address's secrets."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one address."""

    url: str
    message: Message


Outcome = NotDeliveredError | PutOffError | None


def post_all(
    letters: Sequence[Letter], places: Places, private_hosts: Sequence[str] = ()
) -> Iterator[tuple[int, Outcome]]:
    """Send `letters` at the same time, in at most `WHOLE` seconds. Yields the place of each in the list as it
    ends, with None, why it was not delivered, or why it was not tried. Not inside a transaction."""
    ended: SimpleQueue[_Sending] = SimpleQueue()
    sendings = [
        _Sending(number, letter, places, Fence(private_hosts), ended) for number, letter in enumerate(letters)
    ]
    for each in sendings:
        each.start()
    until, waiting = time.monotonic() + WHOLE, set(sendings)
    while waiting:
        try:
            one = ended.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        waiting.discard(one)
        yield one.number, one.outcome
    for each in waiting:
        yield each.number, each.give_up()


class _Sending(threading.Thread):
    """A thread that sends one letter. Whoever waits may give it up; it then ends soon, unheard."""

    def __init__(
        self, number: int, letter: Letter, places: Places, fence: Fence, ended: "SimpleQueue[_Sending]"
    ) -> None:
        super().__init__(name=f"letter-{number}", daemon=True)
        self.number = number
        self.outcome: Outcome = None
        self._letter, self._places, self._fence, self._ended = letter, places, fence, ended
        self._place = ""

    def run(self) -> None:
        try:
            self._send()
        except (NotDeliveredError, PutOffError) as error:
            self.outcome = error
        except Exception as error:  # a plugin's bug is a message that was not delivered
            self.outcome = NotDeliveredError(_safe(f"{type(error).__name__}: {error}", self._letter.url))
        finally:
            self._ended.put(self)

    def give_up(self) -> NotDeliveredError:
        """The time is over."""
        self._fence.cut()
        if self._place:
            self._places.note_slow(self._place)
        return NotDeliveredError(f"the service did not answer within {WHOLE:.0f} seconds")

    def _send(self) -> None:
        try:
            plugin = open_plugin(self._letter.url)
        except ValidationError as error:
            raise NotDeliveredError(
                "the stored address is not one that Portico writes to any more"
            ) from error
        place = place_of(plugin)
        with self._places.turn(place):
            self._place, began = place, time.monotonic()
            with _Listening() as heard, inside(self._fence) as fence:
                try:
                    done = plugin.notify(body=self._letter.message.body, title=self._letter.message.title)
                finally:
                    took = time.monotonic() - began
            if done or took < _SLOW:
                self._places.note_answer(place)
            elif took < WHOLE:
                self._places.note_slow(place)
        if not done:
            why = fence.refused or "; ".join(heard.lines) or "the service did not take the message"
            raise NotDeliveredError(_safe(why, self._letter.url))


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
