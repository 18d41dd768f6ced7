"""What is held back now, in the names that people know. Reads a few names by id; changes nothing."""

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionConnection
from portal.services.traffic_report import HeldBack
from portal.web import words


def said(held: list[HeldBack]) -> list[tuple[str, HeldBack]]:
    """Each with whom it concerns: the account's name, or the exchange."""
    ids = {int(each.name.split(":")[1]) for each in held if each.name.startswith("connection:")}
    found = sa.select(ExecutionConnection.id, ExecutionConnection.name).where(ExecutionConnection.id.in_(ids))
    names = {row.id: str(row.name) for row in db.session.execute(found)}
    return [(_who(each.name, names), each) for each in held]


def _who(name: str, names: dict[int, str]) -> str:
    kind, _, rest = name.partition(":")
    if kind == "connection":
        key = int(rest)
        return f"The exchange for {names[key]}" if key in names else f"The exchange for connection {key}"
    exchange = words.exchange(rest.partition("@" if kind == "venue" else ":")[0])
    return exchange if kind == "venue" else f"{exchange}, for one of its API keys,"
