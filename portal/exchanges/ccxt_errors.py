"""What each ccxt exception proves about an order: never sent, refused, refused for now, exists, or nothing.

The class alone proves nothing. NOT_PLACED needs one of: nothing was handed to the wire; or the venue's own
code for a refusal, in an answer that is not a server error and not in the list of codes that mislead.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import ccxt

from portal.exchanges.ccxt_codes import VenueWords, read_words
from portal.exchanges.ccxt_http import WindowPassedError, Wire
from portal.exchanges.ccxt_known_codes import known_meaning
from portal.exchanges.ccxt_scrub import scrub
from portal.exchanges.ccxt_sentences import sentence
from portal.exchanges.ccxt_tables import VenueTables
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues import Venue

#: Most specific first: refused, when the venue's code says so.
_REFUSALS: tuple[tuple[type[Exception], ErrorCode], ...] = (
    (ccxt.InsufficientFunds, ErrorCode.INSUFFICIENT_FUNDS),
    (ccxt.PermissionDenied, ErrorCode.PERMISSION_DENIED),
    (ccxt.AuthenticationError, ErrorCode.AUTHENTICATION_FAILED),
    (ccxt.AccountSuspended, ErrorCode.ACCOUNT_SUSPENDED),
    (ccxt.RestrictedLocation, ErrorCode.PERMISSION_DENIED),
    (ccxt.MarketClosed, ErrorCode.MARKET_CLOSED),
    (ccxt.ContractUnavailable, ErrorCode.MARKET_CLOSED),
    (ccxt.OrderImmediatelyFillable, ErrorCode.INVALID_ORDER),
    (ccxt.OrderNotFillable, ErrorCode.INVALID_ORDER),
    (ccxt.BadSymbol, ErrorCode.INVALID_ORDER),
    (ccxt.ManualInteractionNeeded, ErrorCode.REFUSED),
    (ccxt.BadRequest, ErrorCode.REFUSED),
)
_PERMANENT = frozenset(
    {ErrorCode.AUTHENTICATION_FAILED, ErrorCode.PERMISSION_DENIED, ErrorCode.ACCOUNT_SUSPENDED}
)
#: Not known, in our words, for the message; the outcome is UNKNOWN for all of them.
_UNKNOWN: tuple[tuple[type[Exception], ErrorCode], ...] = (
    (ccxt.RequestTimeout, ErrorCode.TIMEOUT),
    (ccxt.OnMaintenance, ErrorCode.MAINTENANCE),
    (ccxt.ExchangeNotAvailable, ErrorCode.UNAVAILABLE),
    (ccxt.BadResponse, ErrorCode.BAD_ANSWER),
    (ccxt.NetworkError, ErrorCode.NETWORK),
)
_LOCAL: tuple[tuple[type[Exception], ErrorCode], ...] = (
    (WindowPassedError, ErrorCode.WINDOW_PASSED),
    (ccxt.AuthenticationError, ErrorCode.AUTHENTICATION_FAILED),
    (ccxt.NotSupported, ErrorCode.UNSUPPORTED),
    (ccxt.RequestTimeout, ErrorCode.TIMEOUT),
    (ccxt.NetworkError, ErrorCode.NETWORK),
)
_LONGEST_WAIT_SECONDS = 3600
_NO_TABLES = VenueTables()


@dataclass(frozen=True, slots=True)
class _Verdict:
    code: ErrorCode
    outcome: Outcome
    again: bool = False
    permanent: bool = False


def translate(
    error: Exception,
    *,
    wire: Wire,
    venue: Venue,
    secrets: Iterable[str],
    placing: bool,
    tables: VenueTables = _NO_TABLES,
) -> ExchangeError:
    """`error`, raised by a ccxt call over `wire`, in our words. Reads that fail are never proof of
    anything. `tables`: the words of the venue that ccxt has classes for.
    """
    if isinstance(error, ExchangeError):
        return error
    status = wire.response.status_code if wire.response else None
    body = wire.response.text if wire.response else ""
    words = read_words(body) if wire.response else VenueWords(None, "")
    if placing and not wire.wrote:
        verdict = _never_sent(error, status)
    else:
        verdict = _judge(error, status, words, venue, recognised=tables.name(words, body))
    outcome = verdict.outcome if placing else Outcome.UNKNOWN
    local = isinstance(error, ccxt.BaseError) and not wire.wrote and status is None
    said = scrub(words.text or (str(error) if local else ""), secrets)
    venue_code = scrub(words.code, secrets) if words.code else None
    return ExchangeError(
        verdict.code,
        sentence(verdict.code, outcome, venue.title, said, placing=placing),
        outcome=outcome,
        venue_code=venue_code,
        again=verdict.again,
        retry_after=_retry_after(wire) if verdict.code is ErrorCode.RATE_LIMITED else None,
        permanent=verdict.permanent,
    )


def _never_sent(error: Exception, status: int | None) -> _Verdict:
    """Never sent. `status` is set when a read that ccxt makes before the order was answered."""
    if status in (418, 429):
        return _Verdict(ErrorCode.RATE_LIMITED, Outcome.NOT_PLACED, again=True)
    code = next((code for kind, code in _LOCAL if isinstance(error, kind)), ErrorCode.BAD_REQUEST_LOCAL)
    again = code in (ErrorCode.TIMEOUT, ErrorCode.NETWORK)
    return _Verdict(code, Outcome.NOT_PLACED, again=again, permanent=code in _PERMANENT)


def _judge(
    error: Exception, status: int | None, words: VenueWords, venue: Venue, *, recognised: bool
) -> _Verdict:
    if status in (418, 429):
        return _Verdict(ErrorCode.RATE_LIMITED, Outcome.NOT_PLACED, again=True)
    unknown = _Verdict(
        _unknown_code(error, status), Outcome.UNKNOWN, permanent=isinstance(error, ccxt.AuthenticationError)
    )
    if not isinstance(error, ccxt.BaseError) or status is None or status >= 500 or status == 408:
        return unknown
    if _means_duplicate(error, words, venue):
        return _Verdict(ErrorCode.DUPLICATE_CLIENT_ORDER_ID, Outcome.UNKNOWN)
    if words.code is None or words.code in venue.unknown_codes or isinstance(error, ccxt.RequestTimeout):
        return unknown
    known = known_meaning(venue.ccxt_id, words)
    if known is not None:
        again = known in (ErrorCode.CLOCK_OUTSIDE_WINDOW, ErrorCode.RATE_LIMITED)
        return _Verdict(known, Outcome.NOT_PLACED, again=again, permanent=known in _PERMANENT)
    # Some classes come from the status alone; only 401 says by itself that nothing was processed.
    if not recognised and not (status == 401 and isinstance(error, ccxt.AuthenticationError)):
        return unknown
    if isinstance(error, ccxt.InvalidNonce):
        return _Verdict(ErrorCode.CLOCK_OUTSIDE_WINDOW, Outcome.NOT_PLACED, again=True)
    if isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)):
        return _Verdict(ErrorCode.RATE_LIMITED, Outcome.NOT_PLACED, again=True)
    return _refusal(error, venue) or unknown


def _refusal(error: Exception, venue: Venue) -> _Verdict | None:
    """Refused; the answer has a code that is not known to mislead."""
    for kind, code in _REFUSALS:
        if isinstance(error, kind):
            return _Verdict(code, Outcome.NOT_PLACED, permanent=code in _PERMANENT)
    if isinstance(error, ccxt.InvalidOrder) and venue.codes_reviewed:
        return _Verdict(ErrorCode.INVALID_ORDER, Outcome.NOT_PLACED)
    return None


def _means_duplicate(error: Exception, words: VenueWords, venue: Venue) -> bool:
    """Exists: the id is in use, so an order with it exists or existed."""
    if isinstance(error, ccxt.DuplicateOrderId) or words.code in venue.duplicate_codes:
        return True
    return any(text in words.text for text in venue.duplicate_codes if not text.lstrip("-").isdigit())


def _unknown_code(error: Exception, status: int | None) -> ErrorCode:
    if isinstance(error, ccxt.AuthenticationError):
        return ErrorCode.AUTHENTICATION_FAILED
    if isinstance(error, (KeyError, TypeError, ValueError, IndexError, AttributeError)):
        return ErrorCode.BAD_ANSWER
    broken = ErrorCode.UNAVAILABLE if status is not None and status >= 500 else ErrorCode.UNKNOWN
    return next((code for kind, code in _UNKNOWN if isinstance(error, kind)), broken)


def _retry_after(wire: Wire) -> int | None:
    """Whole seconds of a Retry-After header; None when it is missing or a date."""
    value = wire.response.headers.get("Retry-After") if wire.response else None
    if value is None or not value.strip().isdigit():
        return None
    return min(int(value), _LONGEST_WAIT_SECONDS)
