"""What a venue shows of one account: data, nothing, or no answer, never mistaken for each other. Asks, never
sends; outside of transactions."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TypeVar

from portal.exchanges.base import Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.services.reconciliation.our_side import OurSide
from portal.trading.orders import OrderReport, PositionReport
from portal.trading.reconcile import Subject
from portal.trading.types import MarketType

Answer = TypeVar("Answer")


@dataclass(slots=True)
class TheirSide:
    """One look. What is not in `covered` was not read, so that nothing follows from its absence."""

    #: How much of each subject the venue has.
    seen: dict[Subject, Decimal] = field(default_factory=dict)
    #: Kinds of markets whose holdings were read.
    covered: set[MarketType] = field(default_factory=set)
    positions: list[PositionReport] = field(default_factory=list)
    #: Resting orders of the symbols that were read.
    orders: dict[str, Sequence[OrderReport]] = field(default_factory=dict)
    #: Reads without an answer, as sentences.
    failed: list[str] = field(default_factory=list)
    #: The first of the errors behind them.
    error: ExchangeError | None = None
    #: What this venue cannot be asked for at all.
    unable: list[str] = field(default_factory=list)

    def ask(self, what: str, question: Callable[[], Answer]) -> Answer | None:
        """The answer, or None without one; why is remembered."""
        try:
            return question()
        except ExchangeError as error:
            if error.code is ErrorCode.UNSUPPORTED:
                self.unable.append(what)
            else:
                self.failed.append(f"{what} could not be read: {error.message}")
                self.error = self.error or error
            return None


def look(
    exchange: Exchange, ours: OurSide, kinds: Collection[MarketType], also: Collection[str] = ()
) -> TheirSide:
    """Read the positions (swaps) and balances (spot) that `kinds` ask for, and what rests on every symbol in
    our books and in `also`. Raises nothing that a venue can cause. May be repeated."""
    side = TheirSide()
    offered = exchange.capabilities.market_types
    if MarketType.SWAP in kinds and MarketType.SWAP in offered:
        _positions(side, exchange, ours)
    coins = {each.subject for each in ours.held if each.subject.market_type is MarketType.SPOT}
    if coins:
        _balances(side, exchange, coins)
    elif MarketType.SPOT in kinds:
        side.covered.add(MarketType.SPOT)  # the books hold no coin, so there is nothing to ask for
    for symbol in sorted({*ours.symbols(), *also}):
        orders = side.ask(f"the orders that rest on {symbol}", partial(exchange.open_orders, symbol))
        if orders is not None:
            side.orders[symbol] = orders
    return side


def _positions(side: TheirSide, exchange: Exchange, ours: OurSide) -> None:
    reports = side.ask("the positions", lambda: list(exchange.positions([])))
    if reports is not None and ours.inverse:
        # Venues that list inverse contracts apart do not show them among all others.
        apart = side.ask(
            "the positions in inverse contracts", lambda: exchange.positions(sorted(ours.inverse))
        )
        known = {(each.symbol, each.position_side) for each in reports}
        added = [each for each in apart or () if (each.symbol, each.position_side) not in known]
        reports = None if apart is None else [*reports, *added]
    if reports is None:
        return
    side.covered.add(MarketType.SWAP)
    side.positions = reports
    for report in reports:
        subject = Subject(MarketType.SWAP, report.symbol, report.position_side)
        side.seen[subject] = side.seen.get(subject, Decimal(0)) + report.quantity


def _balances(side: TheirSide, exchange: Exchange, coins: Collection[Subject]) -> None:
    balances = side.ask("the balances", lambda: exchange.balances(MarketType.SPOT))
    if balances is None:
        return
    side.covered.add(MarketType.SPOT)
    for subject in coins:
        balance = balances.get(subject.name)
        side.seen[subject] = balance.total if balance is not None else Decimal(0)
