"""Writing what an exchange said of an account into its row. Joins the caller's transaction."""

from datetime import timedelta
from typing import Any

from portal.db import utcnow
from portal.models import ExecutionConnection
from portal.trading.orders import AccountFacts, Balance

_SETTLEMENT = ("USDT", "USDC", "USD", "EUR", "FDUSD", "BTC")
#: What is known of the key itself.
_OF_KEY = ("can_trade", "can_withdraw", "ip_restricted", "permissions")
#: Some venues tell the days that are left, so the moment wanders by hours; a renewed key jumps.
_RENEWED = timedelta(days=2)


def learn(row: ExecutionConnection, facts: AccountFacts) -> None:
    """Store `facts`. Of a brief answer only the balance and the clock are news."""
    row.facts = {name: value for name, value in row.facts.items() if name != "failed_checks"}
    row.clock_offset_ms = facts.clock_offset_ms
    row.last_balance = _main_balance(facts.balances) or row.last_balance
    row.update_last_connected()
    if facts.thorough:
        _learn_key(row, facts)
        _learn_setup(row, facts)


def forget_key(row: ExecutionConnection) -> None:
    """Another key was stored: nothing that was learnt, allowed or said of the old one is true of it."""
    row.facts = {}
    row.facts_at = row.key_expires_at = row.withdrawal_override = None
    row.warned = {}


def _learn_key(row: ExecutionConnection, facts: AccountFacts) -> None:
    if facts.ask_key_again:
        # A venue that did not answer has not taken a right away: what it said last still counts.
        row.facts = {**row.facts, "key_unknown": facts.key_unknown}
        row.facts_at = None
        return
    said = {name: getattr(facts, name) for name in _OF_KEY} | {"permissions": list(facts.permissions)}
    row.facts = {**row.facts, **said, "key_unknown": facts.key_unknown}
    before, now = row.key_expires_at, facts.key_expires_at
    if before is not None and (now is None or now > before + _RENEWED):
        row.warned = {}
    row.key_expires_at = now
    row.facts_at = utcnow()


def _learn_setup(row: ExecutionConnection, facts: AccountFacts) -> None:
    row.position_mode = facts.position_mode or row.position_mode
    row.margin_mode = facts.margin_mode or row.margin_mode
    if facts.leverage is not None:
        text = format(facts.leverage.normalize(), "f")
        row.facts = {**row.facts, "leverage": text, "setup_symbol": facts.setup_symbol}


def _main_balance(balances: tuple[Balance, ...]) -> dict[str, Any] | None:
    held = {balance.currency: balance for balance in balances if balance.total > 0}
    for currency in (*_SETTLEMENT, *held):
        if currency in held:
            return {
                "currency": currency,
                "free": format(held[currency].free, "f"),
                "total": format(held[currency].total, "f"),
            }
    return None
