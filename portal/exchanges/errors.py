"""The one error type of this border, with the bit the caller needs: is it proved that nothing was placed?"""

from enum import StrEnum


class Outcome(StrEnum):
    """NOT_PLACED needs proof (never sent, or the venue's own refusal). Everything else is UNKNOWN."""

    NOT_PLACED = "not_placed"
    UNKNOWN = "unknown"


class ErrorCode(StrEnum):
    """What went wrong, in our words. Values are stored and shown."""

    # Never sent (group N of reliability.md 2.2)
    BAD_REQUEST_LOCAL = "BAD_REQUEST_LOCAL"
    WINDOW_PASSED = "WINDOW_PASSED"
    UNSUPPORTED = "UNSUPPORTED"
    HALTED = "HALTED"
    # The venue refused, with its code (group R)
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    MARKET_CLOSED = "MARKET_CLOSED"
    INVALID_ORDER = "INVALID_ORDER"
    WOULD_NOT_REDUCE = "WOULD_NOT_REDUCE"
    WRONG_POSITION_MODE = "WRONG_POSITION_MODE"
    REFUSED = "REFUSED"
    # Refused before processing: the same intent may be attempted again later (group L)
    RATE_LIMITED = "RATE_LIMITED"
    CLOCK_OUTSIDE_WINDOW = "CLOCK_OUTSIDE_WINDOW"
    # It may exist (groups E and U)
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    TIMEOUT = "TIMEOUT"
    NETWORK = "NETWORK"
    UNAVAILABLE = "UNAVAILABLE"
    MAINTENANCE = "MAINTENANCE"
    BAD_ANSWER = "BAD_ANSWER"
    UNKNOWN = "UNKNOWN"


class ExchangeError(Exception):
    """Raised by every adapter method.

    `code` ours; `message` scrubbed and fit to be stored and shown; `outcome` counts for order placement
    only; `venue_code` the venue's own, when it gave one; `again` True when the same intent may be attempted
    again after `retry_after` seconds; `permanent` True when the connection will not work until a person
    changes something."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        outcome: Outcome,
        venue_code: str | None = None,
        again: bool = False,
        retry_after: int | None = None,
        permanent: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.outcome = outcome
        self.venue_code = venue_code
        self.again = again
        self.retry_after = retry_after
        self.permanent = permanent

    def __str__(self) -> str:
        venue = f" (its code: {self.venue_code})" if self.venue_code else ""
        return f"{self.code}: {self.message}{venue}"


class HeldBackError(ExchangeError):
    """We did not ask: the budget is spent, the venue asked for a pause, or it does not answer. Nothing was
    sent, nothing was learnt about the account, and the same may be attempted after `retry_after` seconds.
    `for_all`: every account of ours at this venue would be told the same."""

    def __init__(self, code: ErrorCode, message: str, *, retry_after: int, for_all: bool = False) -> None:
        super().__init__(code, message, outcome=Outcome.NOT_PLACED, again=True, retry_after=retry_after)
        self.for_all = for_all
