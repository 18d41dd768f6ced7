"""A practice exchange per module, emptied before every test, and real ccxt clients that talk to it."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from portal.exchanges.sandbox.client import SandboxAccount, SandboxControl
from portal.exchanges.sandbox.server import SandboxServer

Clients = Callable[..., Any]


def on_sandbox(value: Any, url: str) -> Any:
    """The API URLs of a ccxt exchange with scheme and host replaced."""
    if isinstance(value, dict):
        return {name: on_sandbox(part, url) for name, part in value.items()}
    return url + urlsplit(value).path if isinstance(value, str) else value


def limit_buy(quantity: str, price: str) -> dict[str, str]:
    """A limit order as it is on the wire, past what the library checks before."""
    return {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": quantity, "price": price,
    }  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        yield server


@pytest.fixture(autouse=True)
def control(sandbox: SandboxServer) -> SandboxControl:
    sandbox.control.reset()
    return sandbox.control


@pytest.fixture
def alice(control: SandboxControl) -> SandboxAccount:
    return control.create_account("alice")


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Clients]:
    """`client(account, kind)` makes a loaded ccxt client, `kind` being binance or binanceusdm."""
    made: list[Any] = []
    markets: dict[str, Any] = {}

    def make(account: SandboxAccount, kind: str = "binance", **options: Any) -> Any:
        settings = {**account.credentials, "enableRateLimit": False, "timeout": 3000, **options}
        exchange = getattr(ccxt, kind)(settings)
        exchange.urls["api"] = on_sandbox(exchange.urls["api"], sandbox.url)
        if kind in markets:
            exchange.set_markets_from_exchange(markets[kind])
        else:
            exchange.load_markets()
            markets[kind] = exchange
        made.append(exchange)
        return exchange

    yield make
    for exchange in made:
        exchange.close() if hasattr(exchange, "close") else None
        exchange.session.close()


@pytest.fixture
def spot(client: Clients, alice: SandboxAccount) -> Any:
    return client(alice)


@pytest.fixture
def perp(client: Clients, alice: SandboxAccount) -> Any:
    return client(alice, "binanceusdm")
