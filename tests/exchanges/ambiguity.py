"""What our adapter makes of every kind of failed answer to an order: HTTP status by kind of body, over the
wire, and every exception class of ccxt's. An unknown outcome that is called a refusal would be a second order
one day."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ccxt.base import errors

from portal.exchanges.ccxt_errors import translate
from portal.exchanges.ccxt_http import Wire, WireResponse
from portal.exchanges.ccxt_tables import VenueTables
from portal.exchanges.errors import ExchangeError, Outcome
from portal.exchanges.venues_table import venue
from tests.exchanges.captured import made_up_request
from tests.exchanges.setups import prepared_exchange

_NEVER_SEEN = {"code": 987_654, "msg": "never seen", "error": "never seen", "retCode": 987_654}
BODIES: Mapping[str, str] = {
    "none": "",
    "html": "<html><body>Something went wrong</body></html>",
    "garbage": "\x00\x01{{<",
    "json without code": "{}",
    "json with unknown code": json.dumps(_NEVER_SEEN),
}
#: Every status that some server, proxy or cloud in front of an exchange is known to answer, and a few more.
SAMPLED = (
    *(400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 418, 422, 425, 429, 444, 451, 460, 499),
    *(500, 501, 502, 503, 504, 507, 511, 520, 521, 522, 524, 525, 530, 561, 599),
)
ALL = tuple(range(400, 600))
BIGGEST = (
    *("binance", "binanceusdm", "bybit", "okx", "kraken", "kucoin"),
    *("coinbase", "gate", "bitget", "mexc", "hyperliquid", "htx"),
)
CLASSES = sorted(
    (found for found in vars(errors).values() if isinstance(found, type)), key=lambda found: found.__name__
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer and what was made of it."""

    exchange: str
    status: int
    body: str
    kind: str
    error: ExchangeError

    @property
    def group(self) -> str:
        if self.error.outcome is Outcome.UNKNOWN:
            return "unknown"
        return "refused for now" if self.error.again else "refused"

    @property
    def may_be(self) -> set[str]:
        """What such an answer proves at most. A rate limit is answered before anything is processed; so is a
        request without valid authentication, which counts when the exchange itself says so, with a code."""
        if self.status in (418, 429):
            return {"unknown", "refused for now"}
        authentication = self.status == 401 and self.body == "json with unknown code"
        return {"unknown", "refused"} if authentication else {"unknown"}

    @property
    def is_wrong(self) -> bool:
        return self.group not in self.may_be

    def __str__(self) -> str:
        return f"{self.exchange}: {self.status}, {self.body}, {self.kind}: {self.group} ({self.error.code})"


def wire_cells(name: str, statuses: Iterable[int]) -> Iterator[Cell]:
    """An order for exchange `name` per status and kind of body, through ccxt's own reading of the answer."""
    prepared = prepared_exchange(name, swap=False) or prepared_exchange(name, swap=True)
    assert prepared is not None
    exchange, wire = prepared
    [symbol] = exchange.instruments()
    request = made_up_request(symbol, quantity=Decimal(2))
    for status in statuses:
        for body, text in BODIES.items():
            wire.order_answer = (status, text)
            try:
                exchange.place_order(request)
            except ExchangeError as error:
                if wire.wrote:
                    yield Cell(name, status, body, type(error.__cause__).__name__, error)
            else:
                raise AssertionError(f"{name} took {status} with body {body} for an order")


def class_cells(name: str, statuses: Iterable[int]) -> Iterator[Cell]:
    """Every exception class that ccxt could raise there, whatever the reason, for an answer whose words are
    in no table of the exchange's."""
    for status in statuses:
        for body, text in BODIES.items():
            wire = Wire()
            wire.wrote = True
            wire.response = WireResponse(status, "", {}, text.encode())
            for kind in CLASSES:
                yield Cell(name, status, body, kind.__name__, _translated(kind, wire, name))


def _translated(kind: Any, wire: Wire, name: str) -> ExchangeError:
    return translate(kind("x"), wire=wire, venue=venue(name), secrets=(), placing=True, tables=VenueTables())


@dataclass(slots=True)
class Summary:
    """Cells by group, and those that are in the wrong one."""

    groups: Counter[tuple[str, str]]
    wrong: list[str]
    cells: int = 0

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> "Summary":
        summary = cls(Counter(), [])
        for cell in cells:
            summary.cells += 1
            summary.groups[_heading(cell.status), cell.group] += 1
            if cell.is_wrong:
                summary.wrong.append(str(cell))
        return summary


def _heading(status: int) -> str:
    if status in (418, 429):
        return "418, 429"
    if status == 401:
        return "401"
    return "other 400–499" if status < 500 else "500–599"
