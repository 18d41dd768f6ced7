"""One `check_positions` over many open positions: seconds, CPU, and calls counted at the exchange."""

import time
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from bench import accounts
from bench.figures import Result, median
from bench.floor import Floor, floor
from bench.proc import cpu_seconds, tree
from portal.db import db, end_read, transaction, utcnow
from portal.models import ExecutionConnection, ExecutionPosition
from portal.services import monitor, venues
from portal.trading.types import MarketType, PositionSide

ACCOUNTS = 500
SYMBOLS = 20
SAMPLE = 200
RUNS = 3
BASELINE = f"one price read, one row loaded and one commit per position, measured on {SAMPLE}, extrapolated"


def run(positions: int) -> list[Result]:
    """A table for `positions` open positions on twenty symbols."""
    with floor() as here:
        here.app.extensions["portal_settings"] = here.settings
        symbols = _symbols()
        _open_positions(here, positions, symbols)
        venues.warm()
        runs = [_check(here, positions) for _ in range(RUNS)]
        naive = _naive(here, symbols)
    seconds, python, postgres, calls = (median(column) for column in zip(*runs, strict=True))
    result = Result(f"Monitor: {positions:,} open positions on {SYMBOLS} symbols", BASELINE)
    share = positions / SAMPLE
    result.add("one run", seconds, "s", naive[0] * share)
    result.add("Python CPU", python, "s", naive[1] * share)
    result.add("PostgreSQL CPU", postgres, "s", naive[2] * share)
    result.add("calls of the exchange", calls, "", naive[3] * share)
    result.notes.append(f"Median of {RUNS} runs; nothing had to be closed. The baseline is extrapolated.")
    return [result]


def _symbols() -> list[str]:
    with venues.public_exchange("sandbox") as exchange:
        found = [s for s, market in exchange.instruments().items() if market.quote == "USDT"]
    if len(found) < SYMBOLS:
        raise RuntimeError(f"the practice exchange has {len(found)} markets, {SYMBOLS} are wanted")
    return found[:SYMBOLS]


def _open_positions(here: Floor, count: int, symbols: Sequence[str]) -> None:
    accounts.connect(here, accounts.open_accounts(here, ACCOUNTS, "monitor"))
    with transaction() as session:
        owners = session.execute(sa.select(ExecutionConnection.id, ExecutionConnection.name)).all()
        rows = [_row(here, *owners[n % ACCOUNTS], symbols[n % len(symbols)]) for n in range(count)]
        session.execute(sa.insert(ExecutionPosition), rows)
    end_read()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.text("VACUUM ANALYZE execution_positions"))


def _row(here: Floor, connection_id: int, name: str, symbol: str) -> dict[str, object]:
    base, quote = symbol.split("/")
    return {
        "connection_id": connection_id, "owner_id": here.admin_id, "connection_name": name,
        "exchange_name": "sandbox", "currency_pair": symbol, "symbol": symbol,
        "market_type": MarketType.SPOT, "position_side": PositionSide.LONG,
        "base": base, "quote": quote, "settle": quote,
        "tick_size": Decimal("0.01"), "lot_size": Decimal("0.00001"),
        "quantity": Decimal("0.5"), "entry_quantity": Decimal("0.5"), "average_entry_price": Decimal(100),
        # Far away: a run that closes something measures something else.
        "sl_price": Decimal("0.00000001"), "next_tp_price": Decimal(10**9),
        "tp_prices": [{"price": str(10**9), "close_fraction": "1", "done": False}],
        "opened_at": utcnow(),
    }  # fmt: skip


def _check(here: Floor, expected: int) -> tuple[float, float, float, float]:
    before = _meters(here)
    checked = monitor.check_positions()
    if checked.marked != expected or checked.looked_at:
        raise RuntimeError(f"not what was to be measured: {checked}")
    return _difference(before, _meters(here))


def _naive(here: Floor, symbols: Sequence[str]) -> tuple[float, float, float, float]:
    ids = list(db.session.execute(sa.select(ExecutionPosition.id).limit(SAMPLE)).scalars())
    end_read()
    before = _meters(here)
    with venues.public_exchange("sandbox") as exchange:
        for number, position_id in enumerate(ids):
            symbol = symbols[number % len(symbols)]
            price = exchange.tickers([symbol])[symbol].mark_price
            with transaction() as session:
                position = session.get_one(ExecutionPosition, position_id)
                position.mark_price = price
                position.marked_at = utcnow()
    return _difference(before, _meters(here))


def _meters(here: Floor) -> tuple[float, float, float, float]:
    """Wall clock, our CPU, PostgreSQL's CPU, requests at the exchange."""
    postgres = cpu_seconds(tree(here.postgres_pid()))
    return time.perf_counter(), time.process_time(), postgres, here.sandbox.requests(limit=1)["total"]


def _difference(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float, float]:
    wall, python, postgres, calls = (b - a for a, b in zip(before, after, strict=True))
    return wall, python, postgres, calls
