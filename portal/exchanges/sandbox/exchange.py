"""The exchange as one object: markets, prices, accounts, ledger. Only the server's loop touches it."""

import time
from collections.abc import Iterable
from decimal import Decimal

from portal.exchanges.sandbox.accounts import (
    DEFAULT_USDT,
    Account,
    AccountRegistry,
    Balance,
    FuturesWallet,
    new_key,
)
from portal.exchanges.sandbox.book import BookShape
from portal.exchanges.sandbox.catalogue import default_markets
from portal.exchanges.sandbox.clock import Clock
from portal.exchanges.sandbox.errors import unknown_symbol
from portal.exchanges.sandbox.faults import FaultBook
from portal.exchanges.sandbox.journal import Journal
from portal.exchanges.sandbox.ledger import Ledger
from portal.exchanges.sandbox.markets import Kind, Market
from portal.exchanges.sandbox.orders import Fill, Order
from portal.exchanges.sandbox.prices import PriceBoard
from portal.exchanges.sandbox.request_log import RequestLog
from portal.exchanges.sandbox.waiting import Waiting


class Exchange:
    """All state of one practice exchange. `journal` None means that nothing outlives the process."""

    def __init__(self, seed: int = 0, journal: Journal | None = None) -> None:
        self.seed = seed
        self.clock = Clock()
        self.journal = journal
        self.shapes: dict[str, BookShape] = {}
        self.clear()

    def clear(self) -> None:
        """Back to the first moment: no accounts, no orders, start prices, no faults, no latency."""
        self.clock.offset_ms = 0
        self.markets: dict[str, Market] = {market.key: market for market in default_markets()}
        self.identity_class = "b_open"
        self.default_shape = BookShape()
        self.shapes.clear()
        self.prices = PriceBoard(self.clock.now_ms)
        self.accounts = AccountRegistry()
        self.ledger = Ledger()
        self.waiting = {key: Waiting() for key in self.markets}
        self.faults = FaultBook(self.seed)
        self.latency: dict[str, float] = {}
        #: Orders that no query shows any more, as after a venue has tidied up. Their trades stay.
        self.forgotten: set[int] = set()
        #: What market data says instead of the truth, by route and symbol: fields of the answer.
        self.misquotes: dict[tuple[str, str], dict[str, object]] = {}
        self.requests = RequestLog()

    def market(self, kind: Kind, symbol: str | None) -> Market:
        market = self.markets.get(f"{kind}:{symbol}")
        if market is None:
            raise unknown_symbol()
        return market

    def markets_of(self, kind: Kind) -> Iterable[Market]:
        return (market for market in self.markets.values() if market.kind == kind)

    def shape(self, market: Market) -> BookShape:
        return self.shapes.get(market.symbol, self.default_shape)

    def price(self, market: Market) -> Decimal:
        return self.prices.last(market.symbol)

    def stamp(self) -> tuple[int, int]:
        """Moment of acceptance: wall clock and monotonic clock, both in nanoseconds."""
        return time.time_ns(), time.monotonic_ns()

    def open_account(
        self,
        account_id: str | None = None,
        api_key: str | None = None,
        secret: str | None = None,
        balances: dict[str, Decimal] | None = None,
        futures_balance: Decimal | None = None,
    ) -> Account:
        """Adds an account and generates what is missing. Without balances: 10,000 USDT on each side."""
        spot = {"USDT": DEFAULT_USDT} if balances is None else balances
        wallet = spot.get("USDT", Decimal(0)) if futures_balance is None else futures_balance
        account = self.accounts.add(
            Account(
                account_id=account_id or self.accounts.next_id(),
                api_key=api_key or new_key(),
                secret=(secret or new_key()).encode(),
                balances={asset: Balance(free=amount) for asset, amount in spot.items()},
                futures=FuturesWallet(balance=wallet),
                created_ms=self.clock.now_ms(),
            )
        )
        self.save(account)
        return account

    def save(self, account: Account, orders: Iterable[Order] = (), fills: Iterable[Fill] = ()) -> None:
        """Puts the new state of an account and its orders into the journal, in one write."""
        if self.journal is not None:
            self.journal.write(account, orders, fills)
