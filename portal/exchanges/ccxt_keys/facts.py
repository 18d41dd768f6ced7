"""What is asked of a venue about a key, and what may be learnt. None means that the venue did not say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.trading.types import PositionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """`permissions` are in the venue's own words."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None
    ip_restricted: bool | None = None
    expires_at: datetime | None = None
    permissions: tuple[str, ...] = ()
    #: Where the same answer tells it.
    position_mode: PositionMode | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` calls one of ccxt's methods by name. `futures_only`: this account trades no spot."""

    ask: Callable[..., Any]
    api_key: str
    now: datetime
    futures_only: bool = False


KeyReader = Callable[[Question], KeyFacts]
