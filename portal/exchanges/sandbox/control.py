"""What the control plane can change: the exchange and the motion of its prices."""

from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.motion import Motion
from portal.exchanges.sandbox.recovery import begin_journal
from portal.exchanges.sandbox.triggers import on_price


class Control:
    """The practice exchange and its levers."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.motion = Motion(exchange)
        self.connect()

    def connect(self) -> None:
        """Makes price changes wake the orders they reach."""
        exchange = self.exchange
        exchange.prices.on_change = lambda symbol, price: on_price(exchange, symbol, price)

    def reset(self) -> None:
        """Forgets accounts, orders, faults, latency and prices. The journal starts afresh too."""
        self.motion.stop()
        self.exchange.clear()
        self.connect()
        begin_journal(self.exchange)
