"""An adapter of any exchange without that exchange: one made-up market, and a wire that records instead of
sending.

What is recorded is what ccxt would have put on the network, signature and all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.exchanges.ccxt_http import Wire, WireResponse
from portal.exchanges.ccxt_markets import VenueMarkets
from portal.trading.orders import OrderRequest
from portal.trading.types import OrderType, Side

BASE_URL = "http://127.0.0.1:9"
CLIENT_ORDER_ID = "0123456789abcdef0123456789abcdef"
CREDENTIALS = {
    "apiKey": "key-of-nobody-0001",
    "secret": "c2VjcmV0LW9mLW5vYm9keS0wMDAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
    "password": "password-of-nobody",
    "uid": "1234",
    "walletAddress": "0x" + "12" * 20,
    "privateKey": "0x" + "11" * 32,
    "accountId": "1",
    "login": "nobody",
    "token": "token-of-nobody",
}

#: Of the made-up market, as Binance lists them.
ORDER_TYPES = ["LIMIT", "MARKET", "STOP_LOSS", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]


@cache
def signing_key() -> str:
    """A fresh elliptic-curve key for the venues that sign with one."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return key.private_bytes(*form).decode()


@dataclass
class Sent:
    method: str
    url: str
    body: str
    headers: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Everything of the request that a venue reads, decoded."""
        headers = json.dumps(dict(self.headers), default=str)
        return unquote_plus(f"{self.url} {self.body} ") + headers


@dataclass
class RecordingWire(Wire):
    """Takes every request, sends none. `answers` maps a part of the URL to a body; otherwise the time runs
    out.
    """

    sent: list[Sent] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    #: Status and body for everything that `answers` does not know.
    order_answer: tuple[int, Any] | None = None

    def __post_init__(self) -> None:
        Wire.__init__(self)

    def request(self, method: str, url: str, **kwargs: Any) -> WireResponse:
        data = kwargs.get("data") or kwargs.get("files") or b""
        body = data.decode() if isinstance(data, bytes) else str(data)
        self.sent.append(Sent(method, url, body, kwargs.get("headers") or {}))
        self.note(method, url)
        for part, answer in self.answers.items():
            if part in url:
                return self._answer(200, answer)
        if self.order_answer is not None:
            return self._answer(*self.order_answer)
        self.response = None
        raise requests.ReadTimeout("recorded")

    def _answer(self, status: int, answer: Any) -> WireResponse:
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.response = WireResponse(status, "", {"Content-Type": "application/json"}, content)
        return self.response


def captured_exchange(
    name: str, *, swap: bool = False, **credentials: str
) -> tuple[CcxtExchange, RecordingWire]:
    """An adapter for exchange `name` with one BTC market, and the wire that records it."""
    if name == "coinbase":
        credentials = {"secret": signing_key(), **credentials}
    exchange = CcxtExchange(name, Credentials({**CREDENTIALS, **credentials}), base_url=BASE_URL)
    client, wire = exchange.session.client, RecordingWire()
    markets = VenueMarkets(exchange.session.venue, BASE_URL, 1.0)
    template = markets.template
    template.set_markets([made_up_market(template, swap=swap)], template.currencies or None)
    markets.publish()
    markets._loaded_at = markets._clock_read_at = float("inf")
    exchange.session.markets = markets
    exchange.session.wire = wire
    client.session = wire
    return exchange, wire


def made_up_market(client: Any, *, swap: bool) -> dict[str, Any]:
    """Enough of a market for ccxt to build an order."""
    quote = "USDC" if client.id in ("hyperliquid", "coinbase") and swap else "USDT"
    market: dict[str, Any] = client.safe_market_structure(
        {
            "id": "0" if client.id == "hyperliquid" else ("BTC-USDT" if not swap else "BTC-USDT-SWAP"),
            "numericId": 1,
            "symbol": f"BTC/{quote}:{quote}" if swap else f"BTC/{quote}",
            "base": "BTC",
            "quote": quote,
            "settle": quote if swap else None,
            "baseId": "0" if client.id == "hyperliquid" else "BTC",
            "quoteId": quote,
            "settleId": quote.lower() if swap else None,
            "type": "swap" if swap else "spot",
            "spot": not swap,
            "swap": swap,
            "margin": False,
            "future": False,
            "option": False,
            "contract": swap,
            "linear": swap or None,
            "inverse": False if swap else None,
            "contractSize": "1" if swap else None,
            "active": True,
            "precision": precision_of(client),
            "limits": {"amount": {"min": "0.0001", "max": "1000"}, "cost": {}, "price": {}, "leverage": {}},
            "info": {
                "code": "BTC",
                "baseMinSize": "0.0001",
                "orderTypes": ORDER_TYPES,
            },
            "lowercaseId": "btcusdt",
        }
    )
    return market


def precision_of(client: Any) -> dict[str, Any]:
    return {"price": 5, "amount": 8} if client.precisionMode == 3 else {"price": "0.01", "amount": "0.0001"}


def made_up_request(symbol: str = "BTC/USDT", **changes: Any) -> OrderRequest:
    now = datetime.now(UTC).replace(microsecond=0)
    values: dict[str, Any] = {
        "client_order_id": CLIENT_ORDER_ID,
        "symbol": symbol,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "quantity": Decimal("1.5"),
        "price": Decimal("30000"),
        "sent_at": now,
        "not_after": now + timedelta(seconds=60),
    }
    return OrderRequest(**{**values, **changes})
