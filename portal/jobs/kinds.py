"""What each job of the table is for, in words: what it is about, what follows when it failed, and whether a
person may ask for it again. Pure; a test keeps it complete.

Every handler may be repeated: claims, versions and leases let one attempt through, and no order is sent for a
row that already has one. Those marked `again=False` are not dangerous but useless to repeat by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class About(StrEnum):
    """What the row ids of a job name."""

    EXECUTION = "execution"
    ORDER = "order"
    POSITION = "position"
    CONNECTION = "connection"
    QUESTION = "question"
    NOTIFICATION = "notification"
    CHANNEL = "channel"
    PREVIEW = "run"


@dataclass(frozen=True, slots=True)
class Kind:
    """One job in words."""

    does: str
    #: What follows by itself when it failed, and what is left to do.
    afterwards: str
    about: About | None = None
    #: A person may ask for it again.
    again: bool = True


_TICK = "It comes again by itself with its next tick. Nothing to do."
_NIGHT = "It is tried again every hour until it has ended well. Nothing to do."
_GUARDS = (
    "The sweeper lets the stop be looked at again within seconds; after a minute without proof the alarm"
    " “unprotected” comes. Nothing to do until then."
)

KINDS: Mapping[str, Kind] = MappingProxyType({
    "close_position": Kind(
        "Close a position",
        "The sweeper asks for the close again within seconds; one close order goes through. Nothing to do.",
        About.POSITION,
    ),
    "protect_position": Kind("Place or renew a position's stop and targets", _GUARDS, About.POSITION),
    "protect_new_position": Kind("Place a new position's stop and targets", _GUARDS, About.POSITION),
    "run_execution": Kind(
        "Carry out a signal on an account",
        "Without an order in our books nothing was sent, and the sweeper asks again while the signal is"
        " young enough. With one, the exchange is asked about it. Nothing is sent twice. Nothing to do.",
        About.EXECUTION,
    ),
    "resolve_order": Kind(
        "Ask the exchange about an order",
        "The sweeper asks about the order again, with growing pauses. Nothing to do.",
        About.ORDER,
    ),
    "adopt_order": Kind(
        "Read an order of the exchange that somebody wants to adopt",
        "Nobody asks by itself: run it again, or ask again on the page of the order.",
        About.QUESTION,
    ),
    "look_for_candidates": Kind(
        "List what the exchange shows that could be an order in doubt",
        "Nobody asks by itself: run it again, or press the button on the page of the order.",
        About.ORDER,
    ),
    "cancel_late_entry": Kind(
        "Cancel an entry whose signal has expired",
        "The sweeper asks for it again. Nothing to do.",
        About.ORDER,
    ),
    "sweep": Kind("Look for what was left undone", _TICK, again=False),
    "check_positions": Kind("Look at the prices of all positions", _TICK, again=False),
    "sync_connections": Kind("Ask for the comparison of all accounts", _TICK, again=False),
    "sync_connection": Kind(
        "Compare an account with its exchange",
        "It comes again by itself within a minute or two. Nothing to do.",
        About.CONNECTION,
    ),
    "check_connections": Kind("Ask for the health of all connections", _TICK, again=False),
    "check_connection": Kind(
        "Look at the health of a connection",
        "It comes again by itself within ten minutes. Nothing to do.",
        About.CONNECTION,
    ),
    "test_connection": Kind(
        "Test a connection",
        "Nobody asks by itself: run it again, or press “Test” on the page of the connection.",
        About.CONNECTION,
    ),
    "update_analytics": Kind("Write the figures of the day", _NIGHT, again=False),
    "verify_books": Kind("Prove that the books balance", _NIGHT, again=False),
    "verify_audit": Kind("Prove that the audit trail is whole", _NIGHT, again=False),
    "deliver_notification": Kind(
        "Send a notification to its channels",
        "It stands in the portal. The channel is tried again by the minute's round, up to six times; its"
        " page says why it refused.",
        About.NOTIFICATION,
    ),
    "test_channel": Kind(
        "Send a channel a test message",
        "A test is sent once per click: press “Send a test” again.",
        About.CHANNEL,
        again=False,
    ),
    "preview_signal": Kind(
        "Preview what a draft would do",
        "Nothing was sent, and a preview never sends. Press “Preview” on the page of the draft again.",
        About.PREVIEW,
        again=False,
    ),
    "send_notifications": Kind("Send the notifications that are due", _TICK, again=False),
})  # fmt: skip


def kind_of(name: str) -> Kind:
    """The words for a job; for one without words its name, and nothing to do by hand."""
    return KINDS.get(name) or Kind(name.replace("_", " "), "The sweeper looks at the rows.", again=False)
