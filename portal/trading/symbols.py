"""Currency pairs as people write them, and the venue's own market that one of them means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.fields import FieldError, shown
from portal.trading.instrument import Instrument
from portal.trading.types import MarketType

_PAIR = re.compile(r"([A-Z0-9]{1,24})/([A-Z0-9]{1,24})(?::([A-Z0-9]{1,24}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pair:
    """`BTC/USDT`, or `BTC/USDT:USDT` when the settlement currency is named."""

    base: str
    quote: str
    settle: str | None = None

    def __str__(self) -> str:
        return f"{self.base}/{self.quote}" + (f":{self.settle}" if self.settle else "")

    def covers(self, other: "Pair") -> bool:
        """A rule for this pair applies to `other`; without a settlement currency it means all of them."""
        return (self.base, self.quote) == (other.base, other.quote) and self.settle in (None, other.settle)


def parse_pair(value: object) -> Pair:
    """Raises FieldError. Nothing is guessed: `BTCUSDT` could be cut in several places, so it is refused."""
    match = _PAIR.fullmatch(value.strip().upper()) if isinstance(value, str) else None
    if match is None or match[1] == match[2]:
        raise FieldError(
            f"was {shown(value)}; write BASE/QUOTE, as in BTC/USDT, or BTC/USDT:USDT for a contract."
        )
    return Pair(match[1], match[2], match[3])


def resolve(
    currency_pair: str, market_type: MarketType, instruments: Mapping[str, Instrument]
) -> Instrument | Denial:
    """The venue's one market that is meant. `instruments` is keyed by symbol.

    A named settlement currency must match exactly. Without one, a swap means the perpetual that is settled in
    the quote currency, else the only one there is; two or more are ambiguous.
    """
    try:
        pair = parse_pair(currency_pair)
    except FieldError:
        return _unknown(currency_pair, market_type)
    if market_type is MarketType.SPOT and pair.settle:
        return deny(DenialCode.MARKET_TYPE_MISMATCH, currency_pair=pair)
    found = _exact(pair, market_type, instruments) or _only(pair, market_type, instruments)
    if isinstance(found, Instrument) and not found.active:
        return deny(DenialCode.MARKET_INACTIVE, symbol=found.symbol)
    return found


def _exact(pair: Pair, market_type: MarketType, instruments: Mapping[str, Instrument]) -> Instrument | None:
    if market_type is MarketType.SWAP and not pair.settle:
        pair = Pair(pair.base, pair.quote, pair.quote)
    found = instruments.get(str(pair))
    return found if found is not None and found.market_type is market_type else None


def _only(pair: Pair, market_type: MarketType, instruments: Mapping[str, Instrument]) -> Instrument | Denial:
    if pair.settle:
        return _unknown(pair, market_type)
    found = [
        instrument
        for instrument in instruments.values()
        if (instrument.base, instrument.quote, instrument.market_type) == (pair.base, pair.quote, market_type)
    ]
    if not found:
        return _unknown(pair, market_type)
    if len(found) > 1:
        names = ", ".join(sorted(instrument.symbol for instrument in found))
        return deny(DenialCode.SYMBOL_AMBIGUOUS, currency_pair=pair, candidates=names)
    return found[0]


def _unknown(pair: object, market_type: MarketType) -> Denial:
    return deny(DenialCode.SYMBOL_UNKNOWN, currency_pair=pair, market_type=market_type)
