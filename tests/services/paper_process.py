"""A process of its own on a paper account, started by `test_paper_ledger`. Its commands: `trade N` places N
orders; `hang` accepts one, writes it, and waits inside the transaction until it is killed."""

import os
import sys

import sqlalchemy as sa

from portal.exchanges.paper.accepting import accept
from portal.exchanges.paper.adapter import PaperExchange
from portal.exchanges.paper.prices import SharedPrices
from portal.exchanges.paper.settings import PaperSettings
from portal.services.paper_ledger import PaperTables
from portal.trading.orders import OrderRequest
from portal.trading.types import OrderType, Side
from tests.exchanges.paper.markets import SPOT, D, StillMarket, ticker
from tests.services.paper_requests import now, order_request

SETTINGS = PaperSettings(slippage_bps=D(0), latency_ms=0)
OPENING = {"USDT": D(10_000)}


def main(url: str, connection_id: int, name: str, command: str, count: int) -> None:
    tables = PaperTables(sa.create_engine(url), connection_id)
    print("ready", flush=True)
    sys.stdin.readline()
    if command == "hang":
        hang(tables, order_request(f"{name}-0"))
    market = StillMarket()
    exchange = PaperExchange(market, tables, SETTINGS, SharedPrices(market, (name, None)))
    for number in range(count):
        exchange.place_order(order_request(f"{name}-{number}"))


def hang(tables: PaperTables, request: OrderRequest) -> None:
    with tables.locked(OPENING) as ledger:
        accept(ledger.account, request, SPOT, ticker(SPOT.symbol, 100, now()), SETTINGS, now())
        ledger.keep()
        assert (request.side, request.order_type) == (Side.BUY, OrderType.MARKET)
        print("holding", flush=True)
        sys.stdin.read()  # until it is killed; should the test die first, its end of the pipe closes
        os._exit(1)  # and nothing is committed


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]))
