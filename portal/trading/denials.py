"""Every reason why we do not send an order, each with a sentence that tells the user what to change.

Denied means: by us, before the wire. What a venue refuses is a rejection and has its own codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from portal.trading.denial_texts import TEXTS, Text
from portal.trading.numbers import text


class DenialCode(StrEnum):
    """Values are stored and shown in the API: never rename one. The words are in `denial_texts`."""

    # The connection
    CONNECTION_INACTIVE = "CONNECTION_INACTIVE"
    CONNECTION_IN_ERROR = "CONNECTION_IN_ERROR"
    LIVE_TRADING_DISABLED = "LIVE_TRADING_DISABLED"
    PAPER_MODE_UNAVAILABLE = "PAPER_MODE_UNAVAILABLE"
    CREDENTIALS_MISSING = "CREDENTIALS_MISSING"
    CREDENTIALS_UNREADABLE = "CREDENTIALS_UNREADABLE"
    CREDENTIALS_REFUSED = "CREDENTIALS_REFUSED"
    EXCHANGE_UNKNOWN = "EXCHANGE_UNKNOWN"
    EXCHANGE_UNREACHABLE = "EXCHANGE_UNREACHABLE"
    NOT_RECONCILED = "NOT_RECONCILED"
    PRESET_DISABLED = "PRESET_DISABLED"
    # The switch
    TRADING_HALTED = "TRADING_HALTED"
    TRADING_REDUCING = "TRADING_REDUCING"
    ORDER_UNRESOLVED = "ORDER_UNRESOLVED"
    # The signal
    SIGNAL_NOT_PUBLISHED = "SIGNAL_NOT_PUBLISHED"
    SIGNAL_EXPIRED = "SIGNAL_EXPIRED"
    SIGNAL_TOO_OLD = "SIGNAL_TOO_OLD"
    SYMBOL_UNKNOWN = "SYMBOL_UNKNOWN"
    SYMBOL_AMBIGUOUS = "SYMBOL_AMBIGUOUS"
    MARKET_INACTIVE = "MARKET_INACTIVE"
    MARKET_TYPE_UNSUPPORTED = "MARKET_TYPE_UNSUPPORTED"
    MARKET_TYPE_MISMATCH = "MARKET_TYPE_MISMATCH"
    # Limits of preset, connection and installation
    SYMBOL_NOT_ALLOWED = "SYMBOL_NOT_ALLOWED"
    SYMBOL_BLOCKED = "SYMBOL_BLOCKED"
    OUTSIDE_TRADING_HOURS = "OUTSIDE_TRADING_HOURS"
    MAX_OPEN_POSITIONS = "MAX_OPEN_POSITIONS"
    MAX_POSITIONS_PER_SYMBOL = "MAX_POSITIONS_PER_SYMBOL"
    MAX_DAILY_LOSS = "MAX_DAILY_LOSS"
    MAX_ORDER_NOTIONAL = "MAX_ORDER_NOTIONAL"
    MAX_DAILY_NOTIONAL = "MAX_DAILY_NOTIONAL"
    RUNAWAY_ENTRIES = "RUNAWAY_ENTRIES"
    OPPOSITE_POSITION_OPEN = "OPPOSITE_POSITION_OPEN"
    FOREIGN_POSITION = "FOREIGN_POSITION"
    DECISION_REJECTED = "DECISION_REJECTED"
    # What there is to sell or close
    NOTHING_TO_SELL = "NOTHING_TO_SELL"
    NOTHING_TO_CLOSE = "NOTHING_TO_CLOSE"
    # Prices
    PRICE_MISSING = "PRICE_MISSING"
    PRICE_STALE = "PRICE_STALE"
    PRICE_CROSSED = "PRICE_CROSSED"
    PRICE_IMPLAUSIBLE = "PRICE_IMPLAUSIBLE"
    PRICE_SLIPPAGE_EXCEEDED = "PRICE_SLIPPAGE_EXCEEDED"
    SPREAD_TOO_WIDE = "SPREAD_TOO_WIDE"
    PRICE_OUT_OF_BAND = "PRICE_OUT_OF_BAND"
    STOP_LOSS_WRONG_SIDE = "STOP_LOSS_WRONG_SIDE"
    TAKE_PROFIT_WRONG_SIDE = "TAKE_PROFIT_WRONG_SIDE"
    STOP_LOSS_REQUIRED = "STOP_LOSS_REQUIRED"
    LIMIT_PRICE_REQUIRED = "LIMIT_PRICE_REQUIRED"
    TRIGGER_PRICE_WRONG_SIDE = "TRIGGER_PRICE_WRONG_SIDE"
    # What the venue can do
    ORDER_TYPE_UNSUPPORTED = "ORDER_TYPE_UNSUPPORTED"
    TIME_IN_FORCE_UNSUPPORTED = "TIME_IN_FORCE_UNSUPPORTED"
    LEVERAGE_UNSUPPORTED = "LEVERAGE_UNSUPPORTED"
    POSITION_MODE_UNSUPPORTED = "POSITION_MODE_UNSUPPORTED"
    # Money
    BALANCE_INSUFFICIENT = "BALANCE_INSUFFICIENT"
    QUANTITY_BELOW_MINIMUM = "QUANTITY_BELOW_MINIMUM"
    QUANTITY_ABOVE_MAXIMUM = "QUANTITY_ABOVE_MAXIMUM"
    NOTIONAL_BELOW_MINIMUM = "NOTIONAL_BELOW_MINIMUM"
    NOTIONAL_ABOVE_MAXIMUM = "NOTIONAL_ABOVE_MAXIMUM"
    NOTIONAL_BELOW_PRESET_MINIMUM = "NOTIONAL_BELOW_PRESET_MINIMUM"
    INTERNAL_ERROR = "INTERNAL_ERROR"

    @property
    def words(self) -> Text:
        return TEXTS[self.value]

    @property
    def sentence(self) -> str:
        """What happened and what to change, without numbers."""
        return f"{self.words.what} {self.words.remedy}"


@dataclass(frozen=True, slots=True)
class Denial:
    """One refusal: the code, and the numbers that explain it."""

    code: DenialCode
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What happened, with the numbers when they are known, and what to change."""
        words = self.code.words
        if words.detail and self.context:
            try:
                return f"{words.detail.format_map(self.context)} {words.remedy}"
            except KeyError:
                pass
        facts = ", ".join(f"{name} {value}" for name, value in self.context.items())
        return f"{self.code.sentence} ({facts})" if facts else self.code.sentence


def deny(code: DenialCode, **context: object) -> Denial:
    """A denial whose numbers are written as people read them."""
    return Denial(code, MappingProxyType({name: _written(value) for name, value in context.items()}))


def _written(value: object) -> str:
    return text(value) if isinstance(value, Decimal) else str(value)
