"""A paper account cannot reach an order endpoint: there is nothing in it that could name one."""

import ast
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import ccxt
import pytest
from flask import Flask

import portal.exchanges.paper
from portal.exchanges import ccxt_public, ccxt_tickers, sound_prices
from portal.exchanges.base import Exchange
from portal.exchanges.ccxt_public import CcxtMarket
from portal.exchanges.errors import ExchangeError
from portal.exchanges.paper.market import MarketData
from portal.exchanges.sandbox.server import SandboxServer
from portal.trading.types import MarketType, OrderType, Side
from tests.exchanges.paper_stand import PaperStand, make_paper_stand
from tests.exchanges.stand import ref

PACKAGE = Path(portal.exchanges.paper.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))
#: Everything that the package may know besides itself and the standard library's plain parts.
MAY_IMPORT = ("portal.exchanges.paper", "portal.exchanges.base", "portal.exchanges.errors", "portal.trading")
#: Rules about prices, given the reads as functions: it imports no venue either, see below.
PURE = Path(sound_prices.__file__)
HARMLESS = {
    "collections", "collections.abc", "contextlib", "dataclasses", "datetime", "decimal", "logging",
    "threading", "time", "typing",
}  # fmt: skip
RULES = "portal.exchanges.sound_prices"
#: What of a real venue may be asked for.
READS = {"market_types", "instruments", "tickers", "second_look", "close"}
#: The last part of the only addresses that it comes to, none of which takes a key.
PUBLIC = {"exchangeInfo", "time", "bookTicker", "depth", "price", "24hr", "ticker"}
MARKETS = [("sandbox", "BTC/USDT", MarketType.SPOT), ("sandboxusdm", "BTC/USDT:USDT", MarketType.SWAP)]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def writing_methods() -> set[str]:
    """Everything of ccxt that changes something at a venue."""
    verbs = (
        "create",
        "edit",
        "cancel",
        "withdraw",
        "transfer",
        "set_",
        "close_",
        "borrow",
        "repay",
        "private",
    )
    names = {name for name in (*dir(ccxt.Exchange), *dir(ccxt.binance)) if name.lower().startswith(verbs)}
    return (names | {"createOrder", "editOrder"}) - {"cancel_order"}


@pytest.mark.parametrize("path", [*MODULES, PURE], ids=lambda path: path.name)
def test_the_package_imports_nothing_that_speaks_to_a_venue(path: Path) -> None:
    for node in nodes(path):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            # `from portal.exchanges import x` counts as what it brings in.
            brings = (
                [f"{name}.{alias.name}" for alias in node.names] if name == "portal.exchanges" else [name]
            )
            assert all(each in HARMLESS or each.startswith((*MAY_IMPORT, RULES)) for each in brings), (
                f"{path.name} imports {name}"
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_package_names_no_method_that_writes_at_a_venue(path: Path) -> None:
    forbidden = writing_methods()
    assert {"create_order", "createOrder", "edit_order", "withdraw", "set_leverage"} <= forbidden
    for node in nodes(path):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        words = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        assert name not in forbidden
        assert not forbidden & set(words.split())


def test_the_package_asks_its_market_data_for_reads_only() -> None:
    asked = {
        node.attr
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self._market"
    }
    assert asked == READS


def test_market_data_has_no_other_method() -> None:
    assert {name for name in vars(MarketData) if not name.startswith("_")} == READS
    assert {name for name in dir(CcxtMarket) if not name.startswith("_")} == READS


def test_the_market_data_of_ccxt_calls_nothing_but_reads_of_prices() -> None:
    called = {
        ast.literal_eval(node.args[0])
        for module in (ccxt_public, ccxt_tickers)
        for node in nodes(Path(str(module.__file__)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "read"
    }
    assert called == {"fetch_bids_asks", "fetch_tickers", "fetch_ticker", "fetch_order_book"}


def use_everything(stand: PaperStand) -> None:
    """Every method of the contract, orders of every kind included."""
    exchange = stand.exchange
    asked = set()
    for name in ("instruments", "account_facts"):
        assert getattr(exchange, name)()
        asked.add(name)
    bought, waiting = stand.request(), stand.resting()
    stand.place(bought)
    stand.place(waiting)
    stop = stand.request(side=Side.SELL, order_type=OrderType.STOP, trigger_price=stand.price("0.5"))
    stand.place(stop)
    with pytest.raises(ExchangeError):
        stand.place(stand.request(quantity=Decimal(90)))
    exchange.cancel_order(ref(waiting))
    assert exchange.find_order(ref(bought)).report is not None
    assert exchange.all_open_orders(stand.market_type).orders == (*exchange.open_orders(stand.symbol),)
    assert len(exchange.open_orders(stand.symbol)) == 1
    assert exchange.fills(stand.symbol, datetime(2020, 1, 1, tzinfo=UTC))
    assert exchange.balances(stand.market_type)
    assert exchange.tickers([stand.symbol])
    assert exchange.second_look([stand.symbol])
    exchange.positions([stand.symbol])
    exchange.close()
    asked |= {"place_order", "cancel_order", "find_order", "open_orders", "all_open_orders", "fills",
              "balances", "tickers", "second_look", "positions", "close", "capabilities"}  # fmt: skip
    methods = {name for name, _ in inspect.getmembers(Exchange) if not name.startswith("_")}
    assert methods == asked, "a method of the contract is not tried here"


@pytest.mark.parametrize(("name", "symbol", "kind"), MARKETS)
def test_the_venue_sees_no_signed_request_and_no_order_whatever_is_asked(
    app: Flask, venue: SandboxServer, name: str, symbol: str, kind: MarketType
) -> None:
    orders = len(venue.control.orders())
    asked_before = venue.control.requests()["total"]
    stand = make_paper_stand(venue, name, symbol, kind)
    use_everything(stand)
    asked = venue.control.requests(limit=1000)
    mine = asked["recent"][asked_before - asked["total"] :]
    assert mine, "the venue was asked for prices at least"
    assert {request["method"] for request in mine} == {"GET"}
    assert {request["account_id"] for request in mine} == {""}, "a request was signed"
    assert {request["path"].rsplit("/", 1)[1] for request in mine} <= PUBLIC
    assert len(venue.control.orders()) == orders
    assert len(stand.ledger()) == 3
