"""What a test needs at hand to trade on the practice exchange."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import current_app

from portal.db import db, end_read, transaction, utcnow
from portal.exchanges.sandbox.client import AcceptedOrder, SandboxAccount, SandboxControl
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Fill, Order, TradingPreset, User
from portal.services import closing, executions, monitor, prices, resolution, signals, sweeper
from portal.services.protection import job as protection
from portal.trading.types import ConnectionMode, ExecutionStatus, PositionStatus
from tests.world import make_admin, save


class Desk:
    """Accounts on the practice exchange, and the services run as a worker would run them."""

    def __init__(self, sandbox: SandboxControl) -> None:
        self.sandbox = sandbox
        self.admin_id = make_admin().id

    @property
    def admin(self) -> User:
        return db.session.get_one(User, self.admin_id)

    def account(
        self,
        name: str = "alpha",
        *,
        exchange: str = "sandbox",
        preset: TradingPreset | None = None,
        **values: Any,
    ) -> ExecutionConnection:
        """An admin-owned connection with an account of its own on the practice exchange."""
        balances: Mapping[str, Any] | None = values.pop("balances", None)
        keys: SandboxAccount = self.sandbox.create_account(
            name, balances=balances, futures_balance=values.pop("futures_balance", None)
        )
        connection = ExecutionConnection(
            name=name,
            exchange_name=exchange,
            mode=values.pop("mode", ConnectionMode.PAPER),
            is_admin_owned=True,
            admin_id=self.admin_id,
            preset=preset,
            **values,
        )
        connection.set_credentials(keys.credentials)
        return save(connection)

    def preset(self, **values: Any) -> TradingPreset:
        return save(TradingPreset(**{"name": f"preset {uuid.uuid4().hex[:8]}", **values}))

    def sized(self, value: int = 1000, **values: Any) -> TradingPreset:
        """A preset whose orders are of so many USDT."""
        return self.preset(**{"sizing_mode": "fixed_amount", "sizing_value": Decimal(value), **values})

    def publish(self, **data: Any) -> list[Execution]:
        """Publish a signal and return its executions."""
        sent = {"currency_pair": "BTC/USDT", "direction": "buy", **data}
        done = signals.submit(sent, author=self.admin, source="api", publish=True)
        return self.executions(done.signal_id)

    def executions(self, signal_id: int | None = None) -> list[Execution]:
        wanted = sa.select(Execution).order_by(Execution.id).execution_options(populate_existing=True)
        if signal_id is not None:
            wanted = wanted.where(Execution.signal_id == signal_id)
        return list(db.session.execute(wanted).scalars())

    def trade(self, **data: Any) -> Execution:
        """Publish to one account and run it; the execution afterwards."""
        (execution,) = self.publish(**data)
        return self.run(execution)

    def run(self, execution: Execution) -> Execution:
        (key,) = sa.inspect(execution, raiseerr=True).identity or (0,)
        end_read()
        executions.run(key)
        return db.session.get_one(Execution, key, populate_existing=True)

    def run_all(self) -> None:
        """What workers do after a publish: every pending execution, oldest signal first."""
        pending = [each.id for each in self.executions() if each.status is ExecutionStatus.PENDING]
        end_read()
        for key in pending:
            executions.run(key)

    def orders(self) -> list[Order]:
        return list(
            db.session.execute(
                sa.select(Order).order_by(Order.id).execution_options(populate_existing=True)
            ).scalars()
        )

    def order(self) -> Order:
        (only,) = self.orders()
        return only

    def fills(self) -> list[Fill]:
        return list(db.session.execute(sa.select(Fill).order_by(Fill.id)).scalars())

    def positions(self) -> list[ExecutionPosition]:
        return list(
            db.session.execute(
                sa.select(ExecutionPosition)
                .order_by(ExecutionPosition.id)
                .execution_options(populate_existing=True)
            ).scalars()
        )

    def position(self) -> ExecutionPosition:
        (only,) = self.positions()
        return only

    def price(self, symbol: str, price: Decimal | str | int) -> None:
        """Set a price and keep it there."""
        self.sandbox.set_price(symbol, price, hold=True)
        prices.forget()

    def watch(self) -> None:
        """One minute's check of all positions, and the closes that it asks for."""
        end_read()
        monitor.check_positions()
        self.close_wanted()

    def close_wanted(self) -> None:
        ids = [
            each.id
            for each in self.positions()
            if each.status is PositionStatus.OPEN and each.close_reason is not None
        ]
        end_read()
        for key in ids:
            closing.run_close(key)

    def protect(self) -> None:
        """What the jobs do that were asked for after fills, moves and exits, and the sweeper repeats."""
        ids = [each.id for each in self.positions()]
        end_read()
        for key in ids:
            protection.protect(key)

    def later(self, seconds: float) -> None:
        """Let time pass for the order protocol: move every stored moment of orders into the past."""
        past = sa.literal(timedelta(seconds=seconds), sa.Interval)
        end_read()
        with transaction() as session:
            session.execute(
                sa.update(Order).values(
                    sent_at=Order.sent_at - past,
                    not_after=Order.not_after - past,
                    next_query_at=Order.next_query_at - past,
                    last_absent_at=Order.last_absent_at - past,
                )
            )
            session.execute(
                sa.update(Execution).values(
                    lease_until=Execution.lease_until - past,
                    next_attempt_at=Execution.next_attempt_at - past,
                    created_at=Execution.created_at - past,
                )
            )
            session.execute(
                sa.update(ExecutionPosition).values(
                    next_close_at=ExecutionPosition.next_close_at - past,
                    next_guard_at=ExecutionPosition.next_guard_at - past,
                    protection_due_since=ExecutionPosition.protection_due_since - past,
                    exit_reached_at=ExecutionPosition.exit_reached_at - past,
                )
            )
        self.forget_traffic()

    def forget_traffic(self) -> None:
        """As if every pause that a venue asked for were over, and every breaker forgotten."""
        redis = current_app.extensions["portal_redis"]
        if keys := redis.keys("portal:traffic:*"):
            redis.delete(*keys)
        current_app.extensions.pop("portal_traffic", None)

    def resolve_due(self) -> None:
        """What the sweeper leads to: every due question is asked."""
        due = list(db.session.execute(resolution.due()).scalars())
        end_read()
        for order_id in due:
            resolution.resolve(order_id)

    def sweep(self) -> dict[str, int]:
        end_read()
        return sweeper.sweep()

    def accepted(self, account: str | None = None) -> int:
        """Orders that the exchange accepted: the only count that proves anything."""
        counts = self.sandbox.counts()
        return sum(counts.values()) if account is None else counts.get(account, 0)

    def guards(self, account: str | None = None, *, resting: bool = True) -> list[AcceptedOrder]:
        """Orders at the exchange that wait for a price; with `resting=False` also those that ended."""
        found = [order for order in self.sandbox.orders(account=account) if order.trigger_price]
        return [order for order in found if order.status == "NEW" or not resting]

    def sent(self, account: str | None = None) -> int:
        """As `accepted`, without guards: entries and closes at the market."""
        return self.accepted(account) - len(self.guards(account, resting=False))

    def held(self, account: str, symbol: str = "BTCUSDT") -> Decimal:
        """What the account holds at the exchange, spot and futures together; below zero when it is short."""
        (row,) = self.sandbox.accounts(account)
        coins = row["balances"].get(symbol.removesuffix("USDT"), {})
        spot = Decimal(coins.get("free", 0)) + Decimal(coins.get("locked", 0))
        swaps = (Decimal(each["quantity"]) for each in row["positions"] if each["symbol"] == symbol)
        return spot + sum(swaps, Decimal(0))


def now_in(seconds: float) -> str:
    return (utcnow() + timedelta(seconds=seconds)).isoformat()
