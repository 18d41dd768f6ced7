"""A small client of the control plane for tests, benches and demo seeding. Standard library only."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Amount = Decimal | str | int


class SandboxControlError(Exception):
    """The practice exchange refused a control request; the message says why."""


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """Keys of a practice account. `name` is what reports call it."""

    name: str
    api_key: str
    secret: str

    @property
    def credentials(self) -> dict[str, str]:
        """In ccxt's words."""
        return {"apiKey": self.api_key, "secret": self.secret}


@dataclass(frozen=True, slots=True)
class AcceptedOrder:
    """One order of the ledger. `market` is `spot` or `perp`; times are nanoseconds at acceptance."""

    order_id: int
    account: str
    symbol: str
    market: str
    client_order_id: str
    side: str
    order_type: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    reduce_only: bool
    position_side: str
    is_algo: bool
    #: The order that a triggered conditional order has placed; 0 for none.
    actual_order_id: int
    origin: str
    accepted_ns: int
    accepted_monotonic_ns: int


class SandboxControl:
    """Levers and reports of the practice exchange at `url`. A refusal raises SandboxControlError."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _send(self, path: str, body: Mapping[str, object] | None = None, **query: str | int | None) -> Any:
        chosen = {name: value for name, value in query.items() if value is not None}
        url = f"{self.url}/sandbox/{path}" + (f"?{urlencode(chosen)}" if chosen else "")
        data = None if body is None else json.dumps(body, default=str).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - our own http
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxControlError(error.read().decode(errors="replace")) from None

    def create_account(
        self,
        name: str | None = None,
        api_key: str | None = None,
        secret: str | None = None,
        balances: Mapping[str, Amount] | None = None,
        futures_balance: Amount | None = None,
        exist_ok: bool = False,
    ) -> SandboxAccount:
        """Opens one account. Without balances it has 10,000 USDT on the spot and on the futures side.

        With `exist_ok` an account of that name is left as it is and its keys are returned.
        """
        body = {
            "name": name,
            "api_key": api_key,
            "secret": secret,
            "balances": balances,
            "futures_balance": futures_balance,
            "exist_ok": exist_ok,
        }
        return SandboxAccount(**self._send("accounts", body))

    def create_accounts(
        self,
        count: int,
        prefix: str = "account",
        balances: Mapping[str, Amount] | None = None,
        futures_balance: Amount | None = None,
    ) -> list[SandboxAccount]:
        """Opens `count` like accounts named `prefix-1` and so on, in one request."""
        body: dict[str, object] = {"count": count, "prefix": prefix}
        if balances is not None:
            body["balances"] = balances
        if futures_balance is not None:
            body["futures_balance"] = futures_balance
        return [SandboxAccount(**keys) for keys in self._send("accounts/bulk", body)]

    def update_account(self, account: str, **changes: object) -> None:
        """Changes `enabled`, `can_trade`, `can_stop`, `can_withdraw`, `ip_restricted`, `identity_class`,
        `fee_asset`, `balances` or `futures_balance`."""
        self._send("accounts/update", {"account": account, **changes})

    def accounts(self, account: str | None = None) -> list[dict[str, Any]]:
        return list(self._send("accounts", account=account))

    def set_identity_class(self, identity_class: str, account: str | None = None) -> None:
        """`b_open` (as Binance), `b_all`, `a_replay` or `c_none`; for one account or for all."""
        if account is None:
            self._send("identity", {"identity_class": identity_class})
        else:
            self.update_account(account, identity_class=identity_class)

    def set_price(self, symbol: str, price: Amount, hold: bool = False) -> None:
        """Moves a price; orders it reaches are filled before this returns. `hold` keeps the walk off it."""
        self._send("price", {"symbol": symbol, "price": price, "hold": hold})

    def set_path(self, symbol: str, steps: Sequence[tuple[float, Amount]], hold: bool = False) -> None:
        """Moves a price along (seconds from now, price)."""
        self._send("path", {"symbol": symbol, "steps": list(steps), "hold": hold})

    def replay(self, symbol: str, recording: Path, speed: float = 1.0, hold: bool = False) -> None:
        """Replays a CSV file of `time,price`, `speed` times as fast as recorded."""
        self._send("replay", {"symbol": symbol, "csv": recording.read_text(), "speed": speed, "hold": hold})

    def set_walk(self, interval: float, volatility_bps: float = 4.0) -> None:
        """Random walk of all prices, one step per `interval` seconds; 0 stops it."""
        self._send("walk", {"interval": interval, "volatility_bps": volatility_bps})

    def set_book(self, symbol: str | None = None, **shape: Amount) -> None:
        """Shape of the synthetic book: `spread_bps`, `step_bps`, `levels`, `depth_factor`."""
        self._send("book", {"symbol": symbol, **shape})

    def set_rules(self, symbol: str, **rules: object) -> None:
        """New `lot_size`, `tick_size`, `min_notional` or `active` of a market, from now on."""
        self._send("rules", {"symbol": symbol, **rules})

    def misquote(self, symbol: str, route: str = "bookTicker", **fields: object) -> None:
        """Lets one route of market data (`bookTicker`, `24hr`, `depth`) answer with these fields, whatever
        the price is; orders are filled at the true one. Without fields it tells the truth again."""
        self._send("misquote", {"symbol": symbol, "route": route, "fields": fields})

    def set_latency(self, seconds: float, endpoint: str = "*") -> None:
        """Time a request of this endpoint kind takes, half before and half after it is processed."""
        self._send("latency", {"seconds": seconds, "endpoint": endpoint})

    def set_clock_offset(self, offset_ms: int) -> None:
        self._send("clock", {"offset_ms": offset_ms})

    def add_fault(self, kind: str, endpoint: str = "order", **rule: object) -> int:
        """Adds a fault and returns its id.

        `rule`: `account`, `symbol`, `nth` (a number or a list, from 1), `count`, `probability`,
        `per_account`, `status`, `body` (binance, html, empty, text), `seconds`, `fraction`, `retry_after`.
        """
        return int(self._send("faults", {"kind": kind, "endpoint": endpoint, **rule})["fault_id"])

    def remove_fault(self, fault_id: int) -> None:
        self._send("faults/remove", {"fault_id": fault_id})

    def clear_faults(self) -> None:
        self._send("faults/remove", {})

    def faults(self) -> list[dict[str, Any]]:
        return list(self._send("faults"))

    def orders(
        self,
        account: str | None = None,
        symbol: str | None = None,
        client_order_id: str | None = None,
        origin: str = "api",
    ) -> list[AcceptedOrder]:
        """Accepted orders, oldest first. `origin="any"` adds what triggers and liquidations placed."""
        rows = self._send(
            "orders", account=account, symbol=symbol, client_order_id=client_order_id, origin=origin
        )
        return [_accepted(row) for row in rows]

    def forget_order(self, order_id: int) -> None:
        """Ends an order without a word and shows it to nobody any more; its trades stay."""
        self._send("orders/forget", {"order_id": order_id})

    def fills(self, account: str | None = None, symbol: str | None = None) -> list[dict[str, Any]]:
        return list(self._send("fills", account=account, symbol=symbol))

    def counts(self) -> dict[str, int]:
        """Orders accepted from clients, per account."""
        return dict(self._send("counts")["by_account"])

    def requests(self, account: str | None = None, limit: int = 100) -> dict[str, Any]:
        """`total`, `by_endpoint`, `by_path` and the `recent` requests."""
        return dict(self._send("requests", account=account, limit=limit))

    def prices(self) -> dict[str, Decimal]:
        return {symbol: Decimal(price) for symbol, price in self._send("prices").items()}

    def state(self) -> dict[str, Any]:
        return dict(self._send("state"))

    def reset_requests(self) -> None:
        self._send("reset", {"what": "requests"})

    def reset(self) -> None:
        """Forgets everything: accounts, orders, faults, latency, prices."""
        self._send("reset", {"what": "all"})


def _accepted(row: Mapping[str, Any]) -> AcceptedOrder:
    return AcceptedOrder(
        order_id=row["order_id"],
        account=row["account_id"],
        symbol=row["symbol"],
        market=row["market"].partition(":")[0],
        client_order_id=row["client_order_id"],
        side=row["side"],
        order_type=row["order_type"],
        status=row["status"],
        quantity=Decimal(row["quantity"]),
        filled_quantity=Decimal(row["executed"]),
        price=Decimal(row["price"]),
        trigger_price=Decimal(row["trigger_price"]),
        reduce_only=row["reduce_only"],
        position_side=row["position_side"],
        is_algo=row["is_algo"],
        actual_order_id=row["actual_order_id"],
        origin=row["origin"],
        accepted_ns=row["accepted_ns"],
        accepted_monotonic_ns=row["accepted_monotonic_ns"],
    )
