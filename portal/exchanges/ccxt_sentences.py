"""What a user reads when a venue fails: what happened, what was not done, what to do next."""

from portal.exchanges.errors import ErrorCode, Outcome

#: When the venue itself said nothing.
_WHAT_HAPPENED = {
    ErrorCode.TIMEOUT: "no answer came in time",
    ErrorCode.NETWORK: "the connection failed",
    ErrorCode.UNAVAILABLE: "the exchange was not available",
    ErrorCode.MAINTENANCE: "the exchange is under maintenance",
    ErrorCode.BAD_ANSWER: "the answer could not be read",
    ErrorCode.RATE_LIMITED: "too many requests",
    ErrorCode.WINDOW_PASSED: "the order's time window had passed",
    ErrorCode.AUTHENTICATION_FAILED: "the API key was not accepted",
}
_WHAT_TO_DO = {
    ErrorCode.INSUFFICIENT_FUNDS: "Add funds, or lower the order size in the preset.",
    ErrorCode.AUTHENTICATION_FAILED: "Check the API key, its secret and IP list, then test the connection.",
    ErrorCode.PERMISSION_DENIED: "Allow trading for this API key at the exchange, then test the connection.",
    ErrorCode.ACCOUNT_SUSPENDED: "Ask the exchange why the account is suspended, then test the connection.",
    ErrorCode.MARKET_CLOSED: "Wait until the market trades again.",
    ErrorCode.INVALID_ORDER: "Check the size in the preset, the price, and the market's limits.",
    ErrorCode.WOULD_NOT_REDUCE: "The position is smaller than the order or already closed.",
    ErrorCode.WRONG_POSITION_MODE: "The account's position mode was changed there; it is learnt again now.",
    ErrorCode.REFUSED: "Read the exchange's reason and correct the order.",
    ErrorCode.RATE_LIMITED: "It may be tried again later.",
    ErrorCode.CLOCK_OUTSIDE_WINDOW: "The clocks differ or the request was late; it may be tried again.",
    ErrorCode.WINDOW_PASSED: "The order was too old to be sent; publish a new signal.",
    ErrorCode.UNSUPPORTED: "Choose another order type, market or exchange.",
    ErrorCode.BAD_REQUEST_LOCAL: "Check the connection's credentials and the order.",
    ErrorCode.TIMEOUT: "The exchange may be slow or out of reach: look at its status page if this goes on.",
    ErrorCode.NETWORK: "The exchange may be out of reach: look at its status page if this goes on.",
    ErrorCode.UNAVAILABLE: "Look at its status page if this goes on.",
    ErrorCode.MAINTENANCE: "Its status page says when it is back.",
}


def sentence(code: ErrorCode, outcome: Outcome, title: str, said: str, *, placing: bool) -> str:
    """One message for people. `said` must be scrubbed already."""
    happened = f"{title}: {said or _WHAT_HAPPENED.get(code, 'the request failed')}"
    if not placing:
        done = "Nothing was changed by this."
    elif outcome is Outcome.NOT_PLACED:
        done = "Nothing was placed."
    else:
        done = "Whether the order was placed is not known; the exchange is being asked."
    return " ".join(part for part in (happened.rstrip(".") + ".", done, _WHAT_TO_DO.get(code, "")) if part)
