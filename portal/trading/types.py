"""The enumerations of the field. Values are stored in the database and shown in the API: never rename one."""

from enum import StrEnum


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class PositionSide(StrEnum):
    """Direction of a holding."""

    LONG = "long"
    SHORT = "short"

    @property
    def entry_side(self) -> Side:
        return Side.BUY if self is PositionSide.LONG else Side.SELL

    @property
    def exit_side(self) -> Side:
        return self.entry_side.opposite

    @property
    def sign(self) -> int:
        return 1 if self is PositionSide.LONG else -1


class SignalAction(StrEnum):
    OPEN = "open"
    CLOSE = "close"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class TimeInForce(StrEnum):
    """STANDARD is the venue's own default: good till canceled for limit orders."""

    STANDARD = "standard"
    IOC = "IOC"
    FOK = "FOK"


class MarketType(StrEnum):
    SPOT = "spot"
    SWAP = "swap"


class MarginMode(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class PositionMode(StrEnum):
    ONE_WAY = "one_way"
    HEDGE = "hedge"


class SizingMode(StrEnum):
    FIXED = "fixed"
    PERCENTAGE = "percentage"
    FIXED_AMOUNT = "fixed_amount"
    RISK_PERCENT = "risk_percent"


class StopLossMode(StrEnum):
    NONE = "none"
    SIGNAL = "signal"
    PERCENT = "percent"


class TakeProfitMode(StrEnum):
    SIGNAL = "signal"
    PERCENT = "percent"
    R_MULTIPLE = "r_multiple"


class WhenUnprotected(StrEnum):
    ALERT = "alert"
    CLOSE = "close"


class OrderRole(StrEnum):
    ENTRY = "entry"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    CLOSE = "close"


class OrderState(StrEnum):
    """Where one intended order is. `in_flight` and `unresolved` both mean: it may exist at the venue."""

    IN_FLIGHT = "in_flight"
    UNRESOLVED = "unresolved"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_PLACED = "not_placed"


class QuestionKind(StrEnum):
    """What a venue was asked about an order in doubt: whether it has it, whether it is this one of the
    venue's, or what else there is that it could be."""

    ASK = "ask"
    ADOPT = "adopt"
    LOOK = "look"


class Answer(StrEnum):
    """WANTED: a person asked for it, a worker has not done it yet. REFUSED: by us, for the reason given."""

    WANTED = "wanted"
    FOUND = "found"
    NOT_FOUND = "not_found"
    FAILED = "failed"
    REFUSED = "refused"


class ExecutionStatus(StrEnum):
    """Where one signal on one connection is (domain.md §6)."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    DENIED = "denied"
    REJECTED = "rejected"
    UNRESOLVED = "unresolved"
    NOT_PLACED = "not_placed"
    EXPIRED = "expired"
    CANCELED = "canceled"


class PositionStatus(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    LIQUIDATED = "liquidated"


class ClosedReason(StrEnum):
    TAKE_PROFIT = "tp"
    STOP_LOSS = "sl"
    TRAILING = "trailing"
    MANUAL = "manual"
    SIGNAL = "signal"
    EXTERNAL = "external"
    LIQUIDATION = "liquidation"
    EMERGENCY = "emergency"


class ForeignKind(StrEnum):
    """What an account shows that is not ours."""

    ORDER = "order"
    POSITION = "position"


class Protection(StrEnum):
    """Who watches the stop: the venue, we, or nobody (loudly)."""

    NATIVE = "native"
    LOCAL = "local"
    FAILED = "failed"


class ConnectionStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"
    TESTING = "testing"


class ConnectionMode(StrEnum):
    PAPER = "paper"
    LIVE = "live"


class ConnectionType(StrEnum):
    CRYPTO = "crypto"
    FX = "fx"


class Visibility(StrEnum):
    PRIVATE = "private"
    PUBLIC = "public"


class TradingStateValue(StrEnum):
    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class NotificationType(StrEnum):
    EXECUTION = "execution"
    OPEN = "open"
    CLOSE = "close"
    SL_HIT = "sl_hit"
    TP_HIT = "tp_hit"
    LIQUIDATION = "liquidation"
    ERROR = "error"
    UNRESOLVED = "unresolved"
    UNPROTECTED = "unprotected"
    CONNECTION = "connection"
    HALT = "halt"
