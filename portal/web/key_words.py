"""What a connection test found, in words for people who never read an exchange's documentation. Pure text."""

from datetime import datetime

from portal.models import ExecutionConnection
from portal.services.connections_warnings import CLOCK_LIMIT_MS

Line = tuple[str, str]


def key_lines(connection: ExecutionConnection) -> list[Line]:
    """Name and value of everything that is worth knowing about the key and the account, warnings included.
    Empty before the first answer."""
    facts = connection.facts or {}
    lines: list[Line] = []
    if "can_trade" in facts:
        lines += [
            ("Trading", _allowed(facts.get("can_trade"))),
            ("Withdrawals", _withdrawals(connection)),
            ("Usable from", _addresses(facts.get("ip_restricted"))),
        ]
        if facts.get("permissions"):
            lines.append(("Rights, as the exchange calls them", ", ".join(facts["permissions"])))
    if facts.get("key_unknown"):
        lines.append(("About the key", str(facts["key_unknown"])))
    if facts.get("leverage"):
        where = f" on {facts['setup_symbol']}" if facts.get("setup_symbol") else ""
        lines.append(("Leverage", f"{facts['leverage']}×{where}"))
    offset = connection.clock_offset_ms
    if offset is not None and abs(offset) > CLOCK_LIMIT_MS:
        which = "ahead of" if offset > 0 else "behind"
        lines.append(
            (
                "Clock",
                f"Ours is {abs(offset) / 1000:.1f} s {which} the exchange's; an administrator was told.",
            )
        )
    if facts.get("failed_checks"):
        lines.append(("Checks without an answer", str(facts["failed_checks"])))
    return lines


def _allowed(value: object) -> str:
    return "allowed" if value is True else "not allowed" if value is False else "not known"


def _withdrawals(connection: ExecutionConnection) -> str:
    may = connection.facts.get("can_withdraw")
    if may is None:
        return "not known. Look at the exchange, and take this right from the key."
    if may is False:
        return "not allowed"
    exception = connection.withdrawal_override
    if exception is None:
        return "ALLOWED: the key is refused"
    day = datetime.fromisoformat(exception["at"]).strftime("%d %B %Y")
    return f"allowed; accepted by an administrator on {day}: {exception['reason']}"


def _addresses(bound: object) -> str:
    if bound is None:
        return "not known"
    return "fixed addresses only" if bound else "anywhere. Bind it to the addresses of the workers."
