"""What people read of an event, here and outside: what happened, on which account, what it means, where to
look. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from portal.trading.types import NotificationType

MEANING: Mapping[NotificationType, str] = MappingProxyType({
    NotificationType.EXECUTION: "One order on one account. Its page says why, and what to change.",
    NotificationType.OPEN: "The position is watched until it is closed.",
    NotificationType.CLOSE: "Its page shows every fill, and what was earned or lost.",
    NotificationType.SL_HIT: "The stop ended the position as it was meant to.",
    NotificationType.TP_HIT: "A target was reached. What is left, if anything, stays protected.",
    NotificationType.LIQUIDATION: "The exchange ended the position because its margin was used up. Look at "
    "the account before the next signal.",
    NotificationType.ERROR: "Portico goes on with what is certain. A person should look at the page, and "
    "at the account itself.",
    NotificationType.UNRESOLVED: "As long as nobody knows whether an order exists, the exchange is asked and "
    "nothing is sent again. Its page says what is known now.",
    NotificationType.UNPROTECTED: "Without a proved stop at the exchange only Portico limits the loss. The "
    "page says what holds now, and lets you close the position.",
    NotificationType.CONNECTION: "The page of the account says what works, what does not, and what "
    "to change.",
    NotificationType.HALT: "Exits of open positions always pass. New entries follow this switch.",
})  # fmt: skip
_MOST_LINES = 25


@dataclass(frozen=True, slots=True)
class Told:
    """One notification, as far as a message needs it."""

    type: NotificationType
    title: str
    body: str
    account: str | None
    #: Path of the page to look at.
    path: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    body: str


def page_of(
    type_: NotificationType,
    *,
    position_id: int | None = None,
    execution_id: int | None = None,
    connection_id: int | None = None,
    is_for_house: bool = False,
) -> str:
    """Path of the page that shows what a notification speaks of: the nearest thing that it names."""
    for place, row_id in (
        ("positions", position_id),
        ("executions", execution_id),
        ("connections", connection_id),
    ):
        if row_id is not None:
            return f"/{place}/{row_id}"
    if is_for_house:
        return "/admin/trading_state/" if type_ is NotificationType.HALT else "/admin/"
    return "/notifications"


def message(told: Sequence[Told], public_url: str) -> Message:
    """One message for everything in `told`, oldest first; `told` must not be empty."""
    if len(told) == 1:
        return _single(told[0], public_url)
    lines = [_line(each) for each in told[:_MOST_LINES]]
    if len(told) > _MOST_LINES:
        lines.append(f"… and {len(told) - _MOST_LINES} more")
    lines += ["", f"{public_url.rstrip('/')}/notifications"]
    return Message(f"{len(told)} messages from Portico", "\n".join(lines))


def test_message(name: str, public_url: str) -> Message:
    """What the test button sends."""
    return Message(
        "Portico can reach you here",
        f"This is the test of your channel “{name}”. Nothing happened on any account.\n\n{public_url}",
    )


def _single(told: Told, public_url: str) -> Message:
    account = f"Account: {told.account}" if told.account else ""
    parts = (told.body, account, MEANING[told.type], f"{public_url.rstrip('/')}{told.path}")
    return Message(told.title, "\n\n".join(part for part in parts if part))


def _line(told: Told) -> str:
    account = f" ({told.account})" if told.account else ""
    return f"{told.created_at:%H:%M} UTC · {told.title}{account}"
