"""The record of every accepted order. Only a reset removes anything: it is the judge in tests."""

from collections import Counter

from portal.exchanges.sandbox.orders import Fill, Order

#: Ids start high so that all have the same number of digits: clients sort them as text.
FIRST_ID = 1_000_000_001


class Ledger:
    """Orders and fills in the order in which they were accepted."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        #: Orders accepted from a client, per account.
        self.accepted: Counter[str] = Counter()
        self._last_id = FIRST_ID - 1

    def next_id(self) -> int:
        """A new number, larger than all before; orders, algo orders and trades share the sequence."""
        self._last_id += 1
        return self._last_id

    def seen_id(self, number: int) -> None:
        """Keeps the sequence above a number read back from the journal."""
        self._last_id = max(self._last_id, number)

    def add(self, order: Order) -> None:
        self.orders.append(order)
        if order.origin == "api":
            self.accepted[order.account_id] += 1

    def find(
        self,
        account_id: str | None = None,
        symbol: str | None = None,
        client_order_id: str | None = None,
        origin: str | None = "api",
    ) -> list[Order]:
        """Accepted orders that match every given value; `origin` None means of any origin."""
        return [
            order
            for order in self.orders
            if (account_id is None or order.account_id == account_id)
            and (symbol is None or order.market.symbol == symbol)
            and (client_order_id is None or order.client_order_id == client_order_id)
            and (origin is None or order.origin == origin)
        ]
