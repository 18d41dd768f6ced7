"""The test stand of a paper account: prices of the sandbox exchange, orders in the tables of this test's
database. There is no wire that could fail; what can fail is the ledger, and the levers here break that."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.db import db
from portal.exchanges.base import Credentials, Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper import prices
from portal.exchanges.paper.ledger import OpenLedger
from portal.exchanges.registry import ExchangeSpec, open_exchange
from portal.exchanges.sandbox.client import AcceptedOrder, SandboxAccount, SandboxControl
from portal.exchanges.sandbox.server import SandboxServer
from portal.models import ExecutionConnection, PaperFillRow, PaperOrderRow
from portal.services.paper_ledger import PaperTables
from portal.trading.orders import OrderRequest
from portal.trading.types import ConnectionMode, MarketType
from tests.exchanges.stand import TIMEOUT_SECONDS, Stand
from tests.world import make_user, save

BALANCE = {"USDT": "100000", "BTC": "1"}


class BreakableTables(PaperTables):
    """The real tables, except that the next transactions fail before they begin, or after their commit."""

    failing_before = failing_after = 0

    @contextmanager
    def locked(self, opening: Mapping[str, Decimal]) -> Iterator[OpenLedger]:  # type: ignore[override]
        if self.failing_before:
            self.failing_before -= 1
            raise _lost()
        with super().locked(opening) as ledger:
            yield ledger
        if self.failing_after:
            self.failing_after -= 1
            raise _lost()


def _lost() -> ExchangeError:
    return ExchangeError(ErrorCode.UNAVAILABLE, "The ledger is away.", outcome=Outcome.UNKNOWN)


class PaperControl(SandboxControl):
    """Moves the market like the practice exchange's own levers; reports fills from the paper ledger."""

    def set_price(self, *args: Any, **kwargs: Any) -> None:
        super().set_price(*args, **kwargs)
        prices.forget()

    def fills(self, account: str | None = None, *_args: Any, **_kwargs: Any) -> list[dict[str, Any]]:
        rows = paper_rows(PaperFillRow)
        return [{"trade_id": f"paper-{row.order_number}-{row.sequence}"} for row in rows]


def paper_rows(model: Any) -> list[Any]:
    """What the tables have now, read past every session of the test."""
    with Session(db.engine) as session:
        return list(session.execute(sa.select(model).order_by(model.id)).scalars())


class PaperStand(Stand):
    """A `Stand` whose judge is the paper ledger."""

    tables: BreakableTables

    def ledger(self, request: OrderRequest | None = None) -> Sequence[AcceptedOrder]:
        wanted = request.client_order_id if request else None
        return [accepted(row) for row in paper_rows(PaperOrderRow) if wanted in (None, row.client_order_id)]

    def requests(self, endpoint: str) -> int:
        return len(self.ledger()) if endpoint == "order" else 0

    def fault(self, kind: str, endpoint: str = "order", **rule: object) -> None:
        if kind == "partial_fill":
            self.exchange = self.reopen(paper_fill_fraction=rule["fraction"])
        elif kind == "delay":
            self.exchange = self.reopen(paper_latency_ms=int(float(str(rule["seconds"])) * 1000))
        elif kind in ("http_after", "accept_no_answer"):
            self.tables.failing_after = int(str(rule.get("count", 1)))
        else:
            self.tables.failing_before = int(str(rule.get("count", 1)))


def accepted(row: PaperOrderRow) -> AcceptedOrder:
    values: dict[str, Any] = {each.name: "" for each in dataclasses.fields(AcceptedOrder)}
    return AcceptedOrder(
        **values
        | {
            "order_id": f"paper-{row.number}",
            "client_order_id": row.client_order_id,
            "side": row.side.value,
            "status": row.state.value.upper(),
            "quantity": row.quantity,
            "filled_quantity": row.filled_quantity,
        }
    )


def make_paper_stand(
    venue: SandboxServer, market_name: str, symbol: str, market_type: MarketType, **settings: Any
) -> PaperStand:
    owner = make_user("paper@example.org")
    connection_id = save(
        ExecutionConnection(name="paper", exchange_name="binance", user_id=owner.id, settings={})
    ).id
    db.session.rollback()
    prices.forget()
    tables = BreakableTables(db.engine, connection_id)

    def reopen(**more: Any) -> Exchange:
        given = {"paper_balance": BALANCE, "paper_latency_ms": 0, **settings, **more}
        return open_exchange(
            ExchangeSpec(
                exchange_name="binance",
                mode=ConnectionMode.PAPER,
                credentials=Credentials({}),
                settings=given,
                base_url=venue.url,
                timeout_seconds=TIMEOUT_SECONDS,
                market_name=market_name,
                ledger=tables,
            )
        )

    control = PaperControl(venue.url)
    account = SandboxAccount("paper", "", "")
    stand = PaperStand(reopen(), symbol, market_type, control, account, reopen)
    stand.tables = tables
    return stand
