"""The paper venue's own refusals. All of them are proof that nothing was placed."""

from decimal import Decimal

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.numbers import text


def refused(code: ErrorCode, venue_code: str, sentence: str) -> ExchangeError:
    """The venue looked at the order and said no."""
    return ExchangeError(
        code,
        f"{sentence} Nothing was placed.",
        outcome=Outcome.NOT_PLACED,
        venue_code=f"PAPER_{venue_code}",
    )


def invalid(venue_code: str, sentence: str) -> ExchangeError:
    return refused(ErrorCode.INVALID_ORDER, venue_code, sentence)


def unsupported(sentence: str) -> ExchangeError:
    return refused(ErrorCode.UNSUPPORTED, "UNSUPPORTED", sentence)


def insufficient(currency: str, needed: Decimal, free: Decimal) -> ExchangeError:
    return refused(
        ErrorCode.INSUFFICIENT_FUNDS,
        "INSUFFICIENT_FUNDS",
        f"The paper account has {text(max(free, Decimal(0)))} {currency} free and needs {text(needed)}.",
    )


def would_not_reduce(symbol: str) -> ExchangeError:
    return refused(
        ErrorCode.WOULD_NOT_REDUCE,
        "WOULD_NOT_REDUCE",
        f"The paper account holds no position in {symbol} that this order would reduce.",
    )


def without_price(symbol: str) -> ExchangeError:
    return refused(
        ErrorCode.MARKET_CLOSED,
        "NO_PRICE",
        f"The market data has no fresh price of {symbol}, so the paper account cannot fill anything there.",
    )
