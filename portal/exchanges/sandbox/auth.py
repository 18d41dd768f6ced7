"""Who is calling: API key, HMAC-SHA256 signature and time window, checked as Binance does."""

import hmac

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.errors import VenueError, missing, outside_window
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.numbers import optional_int

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
CLOCK_SLACK_MS = 1_000


def authenticate(exchange: Exchange, call: Call) -> Account:
    """The account of a signed call. Raises VenueError -2014, -2015, -1102, -1022, -1131 or -1021."""
    account = key_owner(exchange, call)
    if not call.params.get("timestamp"):
        raise missing("timestamp")
    signature = call.params.get("signature")
    if not signature:
        raise missing("signature")
    payload = _unsigned(call.query) + _unsigned(call.body)
    expected = hmac.digest(account.secret, payload.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise VenueError(-1022, "Signature for this request is not valid.")
    check_window(exchange, call)
    return account


def key_owner(exchange: Exchange, call: Call) -> Account:
    if not call.api_key:
        raise VenueError(-2014, "API-key format invalid.", 401)
    account = exchange.accounts.by_key.get(call.api_key)
    if account is None or not account.enabled:
        raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    return account


def check_window(exchange: Exchange, call: Call) -> None:
    """The request's own validity window. Checked on arrival and again just before the order is accepted."""
    timestamp = optional_int(call.params, "timestamp") or 0
    window = optional_int(call.params, "recvWindow")
    if window is not None and window > MAX_WINDOW_MS:
        raise VenueError(-1131, "recvWindow must be less than 60000.")
    now = exchange.clock.now_ms()
    if timestamp >= now + CLOCK_SLACK_MS:
        raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - timestamp > (DEFAULT_WINDOW_MS if window is None else window):
        raise outside_window()


def _unsigned(text: str) -> str:
    """The text that was signed: everything but the signature parameter itself."""
    if "signature=" not in text:
        return text
    head, separator, tail = text.rpartition("&signature=")
    if separator and "&" not in tail:
        return head
    return "&".join(pair for pair in text.split("&") if not pair.startswith("signature="))
