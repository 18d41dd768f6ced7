"""A portal with a past, for pictures: the demo content, signals that were carried out, money won and lost, an
order in doubt, an account that refuses, and a month of nightly figures."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bench.children import until
from portal.commands.demo_look import Look
from portal.db import db, end_read, utcnow
from portal.models import (
    UNSETTLED,
    Execution,
    ExecutionAnalytics,
    ExecutionConnection,
    ExecutionPosition,
    Order,
    Signal,
)
from portal.services import connections, demo, demo_content, invitations, monitor, positions, signals, users
from portal.services.previews import runs
from portal.trading.types import ClosedReason, ConnectionStatus, OrderState, PositionStatus
from tests import world
from tests.e2e.house import House
from tests.helpers import silence
from tests.people import PASSWORD
from tests.security.tenants import ids_of

WE = "pictures"
_DAYS = 45
_ERROR = ConnectionStatus.ERROR
_CENT = Decimal("0.01")


def fill(house: House) -> dict[str, int]:
    """Play it all. Returns ids of what is worth a picture, by the names that addresses use."""
    look = Look()
    house.sandbox.set_price("BTCUSDT", 60_000, hold=True)
    house.sandbox.set_price("ETHUSDT", 3_000, hold=True)
    seeded = demo.seed(house.sandbox, actor=WE)
    assert seeded is not None
    for email in demo_content.PEOPLE:
        users.set_password(users.find_user(email).id, PASSWORD, actor=WE)
    until("The test of every connection", look.all_tested, 90)
    _past()
    first = _signal("BTC/USDT", "58200", ["61800", "66000"], "breakout-btc")
    until("The fan-out", lambda: look.all_settled(first), 120)
    until("Every guard", look.all_proved, 90)
    _move(house, "BTCUSDT", 62_000, look)
    second = _signal("ETH/USDT", "2880", ["3150", "3400"], "pullback-eth")
    until("The second fan-out", lambda: look.all_settled(second), 120)
    _close_one()
    _trouble(house)
    _preview(seeded.draft_id)
    return _ids(first)


def _signal(pair: str, stop: str, targets: list[str], key: str) -> int:
    data = {
        "currency_pair": pair, "direction": "buy", "sl": stop, "tp": targets, "dedupe_key": key,
        "plans": list(demo_content.PLANS),
    }  # fmt: skip
    author = users.find_user(demo_content.ADMIN)
    return signals.submit(data, author=author, source="tradingview", publish=True).signal_id


def _move(house: House, symbol: str, price: int, look: Look) -> None:
    house.sandbox.set_price(symbol, price, hold=True)

    def done() -> bool:
        # Not waiting for the minute: the same job, asked for at once.
        monitor.check_positions()
        return look.first_targets_done()

    until("The first targets", done, 90, interval=1)
    until("Every guard after the first targets", look.all_proved, 90)


def _close_one() -> None:
    """Somebody takes a profit by hand."""
    query = sa.select(ExecutionPosition).where(ExecutionPosition.status == PositionStatus.OPEN)
    position = db.session.scalars(query.order_by(ExecutionPosition.id)).first()
    assert position is not None
    number = position.id
    end_read()
    positions.request_close(number, actor=demo_content.ADMIN)
    query = sa.select(ExecutionPosition.status).where(ExecutionPosition.id == number)
    until("The close", lambda: _fresh(query) is PositionStatus.CLOSED, 60)


def _trouble(house: House) -> None:
    """What an operator is there for: an order whose answer was lost and that cannot be asked about, an
    account that was locked, somebody who was invited, and a draft that waits."""
    silent = _account(house, "House, second spot", demo_content.ADMIN)
    locked = _account(house, "Bob, old key", demo_content.BOB)
    status = sa.select(ExecutionConnection.status)
    for number in (silent, locked):
        mine = status.where(ExecutionConnection.id == number)
        until("The first test", lambda mine=mine: _fresh(mine) is ConnectionStatus.ACTIVE, 60)
    names = {number: name for name, number in demo.practice_accounts().items()}
    house.sandbox.add_fault("accept_no_answer", account=names[silent])
    silence(house.sandbox, account=names[silent])
    house.sandbox.update_account(names[locked], enabled=False)
    connections.request_test(locked, actor=WE)
    signal_id = _signal("SOL/USDT", "140", ["160"], "momentum-sol")
    doubt = sa.select(Order.id).where(Order.state == OrderState.UNRESOLVED)
    until("The order in doubt", lambda: _fresh(doubt), 60)
    until("The refusal", lambda: _fresh(status.where(ExecutionConnection.id == locked)) is _ERROR, 60)
    until("The rest of the signal", lambda: _waiting(signal_id) <= 1, 60)
    invitations.invite("carol@example.com", "trader", actor=users.find_user(demo_content.ADMIN))


def _preview(draft_id: int) -> None:
    runs.start(draft_id, actor=WE)

    def is_done() -> bool:
        seen = runs.latest(db.session.get_one(Signal, draft_id))
        end_read()
        return seen is not None and not seen.waiting

    until("The preview", is_done, 60)


def _account(house: House, name: str, owner: str) -> int:
    keys = house.sandbox.create_account(name=name.lower().replace(", ", "-").replace(" ", "-"))
    data = {
        "name": name, "exchange_name": "sandbox", "credentials": keys.credentials,
        "settings": {"practice_account": keys.name}, "is_admin_owned": owner == demo_content.ADMIN,
    }  # fmt: skip
    return connections.create(data, owner=users.find_user(owner), actor=WE).id


def _waiting(signal_id: int) -> int:
    query = sa.select(sa.func.count()).where(
        Execution.signal_id == signal_id, Execution.status.in_(UNSETTLED)
    )
    return _fresh(query) or 0


def _fresh(query: sa.Select[tuple[Any]]) -> Any:
    end_read()
    found = db.session.scalar(query)
    end_read()
    return found


def _past() -> None:
    """The last weeks, drawn from a fixed seed: positions that were closed, and nightly figures."""
    chance = random.Random(7)
    found = db.session.scalars(sa.select(ExecutionConnection).order_by(ExecutionConnection.id)).all()
    for connection in found:
        connection_id, name, owner_id = connection.id, connection.name, connection.owner_id
        equity = Decimal(str((connection.last_balance or {}).get("total", 10_000)))
        rows: list[ExecutionAnalytics | ExecutionPosition] = []
        for back in range(1, _DAYS):
            won = (equity * Decimal(chance.gauss(0.0014, 0.009))).quantize(_CENT)
            night = _night(chance, won, equity, back)
            night.connection_id, night.connection_name, night.owner_id = connection_id, name, owner_id
            rows.append(night)
            equity -= won
        db.session.add_all(rows)
        for back in range(1, _DAYS, 2):
            _closed(connection, chance, utcnow() - timedelta(days=back, hours=chance.randint(0, 9)))
    end_read()


def _closed(connection: ExecutionConnection, chance: random.Random, at: datetime) -> None:
    pair, price = chance.choice((("BTC/USDT", 60_000), ("ETH/USDT", 3_000), ("SOL/USDT", 150)))
    won = Decimal(round(chance.gauss(4, 22), 2))
    bought = (Decimal(250) / price).quantize(Decimal("0.0001"))
    sold_at = (Decimal(price) * (1 + won / 250)).quantize(_CENT)
    world.make_position(
        connection, currency_pair=pair, symbol=pair, base=pair.partition("/")[0],
        status=PositionStatus.CLOSED, quantity=Decimal(0), entry_quantity=bought,
        average_entry_price=Decimal(price), average_exit_price=sold_at, realized_pnl=won, fees=Decimal("0.5"),
        unrealized_pnl=Decimal(0), opened_at=at - timedelta(hours=chance.randint(1, 30)), closed_at=at,
        close_reason=ClosedReason.TAKE_PROFIT if won > 0 else ClosedReason.STOP_LOSS,
        mark_price=None, marked_at=None,
    )  # fmt: skip


def _night(chance: random.Random, won: Decimal, equity: Decimal, back: int) -> ExecutionAnalytics:
    trades = chance.randint(1, 6)
    wins = min(trades, max(0, round(trades * (0.55 if won > 0 else 0.35))))
    p50 = chance.randint(90, 160)
    return ExecutionAnalytics(
        date=utcnow().date() - timedelta(days=back), trades=trades, wins=wins, losses=trades - wins,
        win_rate=Decimal(100 * wins) / trades, realized_pnl=won, fees=(equity / 20_000).quantize(_CENT),
        slippage_bps=Decimal(chance.randint(-8, 40)) / 10, latency_p50_ms=p50, latency_p90_ms=p50 * 2,
        latency_p99_ms=p50 * 4, balance=equity, equity=equity, currency="USDT",
    )  # fmt: skip


def _ids(signal_id: int) -> dict[str, int]:
    """Alice's rows, and the signal that has the most to tell."""
    alice = users.find_user(demo_content.ALICE)
    mine = sa.select(sa.func.min(Execution.id)).where(Execution.owner_id == alice.id)
    known = {"signal_id": signal_id, "execution_id": _fresh(mine.where(Execution.signal_id == signal_id))}
    known["order_id"] = _fresh(sa.select(Order.id).where(Order.state == OrderState.UNRESOLVED))
    known["unresolved_id"] = known["order_id"]
    open_one = sa.select(sa.func.min(ExecutionPosition.id)).where(
        ExecutionPosition.owner_id == alice.id, ExecutionPosition.status == PositionStatus.OPEN
    )
    known["position_id"] = _fresh(open_one)
    known["story_id"] = _fresh(
        sa.select(Execution.id).where(
            Execution.connection_name == demo_content.FAULTY, Execution.signal_id == signal_id
        )
    )
    return ids_of(alice, signal_id) | known
