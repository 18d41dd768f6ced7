"""Where paper accounts are kept. The adapter is given one; it knows no database."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from portal.exchanges.paper.account import PaperAccount, PaperFill, PaperOrder


class OpenLedger(Protocol):
    """The ledger of one account while it is locked: nobody else sees or changes the account meanwhile."""

    @property
    def account(self) -> PaperAccount:
        """The account; what is changed on it is kept when the block ends well."""

    def order(self, client_order_id: str | None, number: int | None) -> PaperOrder | None:
        """The order of that number, or else under that id, ended ones included; changes of this block
        count."""

    def fills(self, symbol: str, since: datetime, number: int | None) -> Sequence[PaperFill]:
        """Fills on `symbol` since then, oldest first, of one order when given; those of this block count."""


class PaperLedger(Protocol):
    """One paper account. Every method is one transaction of its own and raises ExchangeError UNAVAILABLE,
    outcome UNKNOWN, when the database fails. No network may be used inside `locked`."""

    def locked(self, opening: Mapping[str, Decimal]) -> AbstractContextManager[OpenLedger]:
        """The account, locked, opened with these balances if it is new. Everything that the block changed is
        committed at its end; nothing is when it raises."""

    def live_symbols(self) -> Sequence[str]:
        """Markets in which something rests. Waits for nobody."""
