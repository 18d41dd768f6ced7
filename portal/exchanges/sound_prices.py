"""Prices that may be acted on: read, judged, and looked at again at once where they are hard to believe. The
rules are `portal.trading.price_sanity`; here they meet the network. Remembers nothing."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from portal.exchanges.errors import ExchangeError
from portal.trading.orders import Ticker
from portal.trading.price_sanity import Anchor, Doubt, Judged, judge, look_again

logger = logging.getLogger(__name__)

#: How often a doubted price is read anew in one go, and the pause before.
_ROUNDS = 2
_PAUSE_SECONDS = 0.4
#: What may come of two routes that were not read at the same moment.
_PASSING = (Doubt.OUTSIDE_BAND, Doubt.CROSSED)


class PriceReader(Protocol):
    """What can be asked for prices: an exchange, or public market data."""

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Best prices; symbols without a usable price are missing."""

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The same by other routes."""


def read(
    reader: PriceReader,
    symbols: Iterable[str],
    anchors: Mapping[str, Anchor],
    *,
    proved: bool = True,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, Judged]:
    """One verdict per symbol. A price that leaves its band, or that cannot be used, is read again by other
    routes in the same call; a jump or a crossed book in two rounds, so that two routes that were only not
    read at the same moment agree in the second.

    With `proved=False` a market without an anchor is looked at twice, too, and a second look that fails for
    now raises: whoever wants that can wait. Otherwise it leaves its doubts. Raises ExchangeError when the
    first read fails. May be repeated."""
    asked = list(symbols)
    found: dict[str, Judged] = {}
    for round_ in range(_ROUNDS):
        if round_:
            time.sleep(_PAUSE_SECONDS)
        try:
            first = reader.tickers(asked)
        except ExchangeError:
            if round_ == 0:
                raise
            break
        found |= {each: judge(first.get(each), anchors.get(each), clock(), proved=proved) for each in asked}
        asked = [each for each in asked if found[each].doubt is not None]
        if not asked:
            break
        try:
            found |= _confirmed(reader, {each: found[each] for each in asked}, anchors, clock)
        except ExchangeError as error:
            if not proved and not error.permanent:
                raise
            logger.info("no second look at the prices of %s: %s", ", ".join(asked), error)
            found |= {each: _without_look(found[each]) for each in asked}
        asked = [each for each in asked if found[each].doubt in _PASSING]
        if not asked:
            break
    return found


def _without_look(judged: Judged) -> Judged:
    """A venue that has no other routes at all: what nothing contradicts is taken as it is."""
    return replace(judged, doubt=None) if judged.doubt is Doubt.UNPROVED else judged


def _confirmed(
    reader: PriceReader,
    doubted: Mapping[str, Judged],
    anchors: Mapping[str, Anchor],
    clock: Callable[[], datetime],
) -> dict[str, Judged]:
    looks = reader.second_look(list(doubted))
    verdicts = {
        each: look_again(first, looks.get(each), anchors.get(each), clock())
        for each, first in doubted.items()
    }
    for each, verdict in verdicts.items():
        kind: Doubt | None = doubted[each].doubt
        logger.info("%s: a price was %s; after a second look: %s", each, kind, verdict.doubt or "confirmed")
    return verdicts
