"""What a connection test learns of an account. What a venue does not say cheaply stays None."""

from datetime import UTC, datetime

from portal.exchanges.ccxt_keys import READERS, KeyFacts, Question
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.ccxt_setup import read_setup
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.trading.orders import AccountFacts, Balance


def read_facts(session: CcxtSession, balances: tuple[Balance, ...]) -> AccountFacts:
    """Permissions of the key and set-up of the account. What fails is told as not known; only a venue that
    asks for fewer requests is heeded: raises ExchangeError RATE_LIMITED.
    """
    key, unknown, again = _ask_about_key(session)
    setup = read_setup(session)
    return AccountFacts(
        can_trade=key.can_trade,
        can_withdraw=key.can_withdraw,
        ip_restricted=key.ip_restricted,
        key_expires_at=key.expires_at,
        position_mode=key.position_mode or setup.position_mode,
        margin_mode=setup.margin_mode,
        leverage=setup.leverage,
        setup_symbol=setup.symbol,
        clock_offset_ms=session.markets.known_clock_offset_ms(),
        permissions=key.permissions,
        key_unknown=unknown,
        ask_key_again=again,
        thorough=True,
        balances=balances,
    )


def brief_facts(session: CcxtSession, balances: tuple[Balance, ...]) -> AccountFacts:
    """That the key works, what it holds, and the clock. No further requests of this account."""
    return AccountFacts(
        clock_offset_ms=session.markets.known_clock_offset_ms(), thorough=False, balances=balances
    )


def _ask_about_key(session: CcxtSession) -> tuple[KeyFacts, str, bool]:
    """What the key may do, why that is not known, and whether asking again soon may help."""
    reader = READERS.get(session.venue.ccxt_id)
    if reader is None:
        return KeyFacts(), f"{session.venue.title} cannot be asked what a key may do.", False
    kinds = session.venue.market_types
    spot = bool(session.client.has.get("spot")) if kinds is None else any(k.value == "spot" for k in kinds)
    question = Question(session.read, session.client.apiKey or "", datetime.now(UTC), futures_only=not spot)
    try:
        return reader(question), "", False
    except ExchangeError as error:
        if error.code is ErrorCode.RATE_LIMITED:
            raise
        return KeyFacts(), error.message, not error.permanent
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return KeyFacts(), f"{session.venue.title} described the key in words that are not known here.", False
