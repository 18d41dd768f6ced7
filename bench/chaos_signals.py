"""The signals of a chaos run and the accounts that trade them. Delivered by processes that die, too, and
delivered again until somebody was told that they arrived."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from bench.chaos_plan import Toll
from bench.crash_points import POINTS, PUBLISHER, Strike
from bench.floor import Floor
from bench.nursery import Forked
from portal.db import transaction
from portal.exchanges.sandbox.client import SandboxAccount
from portal.models import ExecutionConnection, TradingPreset
from portal.trading.types import ConnectionMode, MarketType, SizingMode

#: Pairs, and a stop below any price that is met.
PAIRS = {"BTC/USDT": "50000", "ETH/USDT": "2000", "SOL/USDT": "80"}
_POINTS = [point.name for point in POINTS.values() if point.who == PUBLISHER]


def open_accounts(here: Floor, count: int) -> list[SandboxAccount]:
    """Half of them trade spot, half swaps; each with money for thousands of orders."""
    keys = here.sandbox.create_accounts(
        count, "chaos", balances={"USDT": 10_000_000}, futures_balance=10_000_000
    )
    with transaction() as session:
        for number, key in enumerate(keys):
            session.add(_connection(here, key, MarketType.SWAP if number % 2 else MarketType.SPOT))
    return keys


def _connection(here: Floor, key: SandboxAccount, market: MarketType) -> ExecutionConnection:
    preset = TradingPreset(
        name=f"chaos {key.name}", owner_id=here.admin_id, market_type=market,
        sizing_mode=SizingMode.FIXED_AMOUNT, sizing_value=1000, max_signal_age_seconds=900,
        leverage=3 if market is MarketType.SWAP else None,
    )  # fmt: skip
    row = ExecutionConnection(
        name=key.name, exchange_name="sandboxusdm" if market is MarketType.SWAP else "sandbox",
        mode=ConnectionMode.PAPER, is_admin_owned=True, admin_id=here.admin_id, preset=preset,
    )  # fmt: skip
    row.set_credentials(key.credentials)
    return row


@dataclass(slots=True)
class Sender:
    """Invents signals and delivers each until it is taken."""

    here: Floor
    dice: random.Random
    toll: Toll
    #: Whether publishers are struck.
    arms: bool = True
    _waiting: dict[str, str] = field(default_factory=dict)
    _processes: list[tuple[str, Forked]] = field(default_factory=list)
    _opened: dict[str, int] = field(default_factory=dict)

    def send(self, *, only_open: bool = False) -> str:
        """A new signal: most open something, the others close all of a pair. Says what it is."""
        pair = self.dice.choice(list(PAIRS))
        data = self._close(pair) if self._opened.get(pair) and not only_open else self._open(pair)
        key = f"chaos-{len(self.toll.keys)}"
        self.toll.keys.append(key)
        self._waiting[key] = json.dumps(data | {"dedupe_key": key})
        for _ in range(self.dice.choice([1, 1, 2, 3])):
            self._deliver(key)
        return f"{data.get('action', 'open')} {data['direction']} {pair}"

    def tend(self) -> bool:
        """Count the dead, and deliver again what nobody acknowledged. True when all was taken."""
        for key, process in list(self._processes):
            if process.running:
                continue
            self._processes.remove((key, process))
            self.here.children.remove(process)
            if process.code == 0:
                self._waiting.pop(key, None)
            elif blow := self.here.nursery.blow(process.pid):
                self.toll.kills["publisher, at a point"] += 1
                self.toll.points[str(blow["point"])] += 1
        busy = {key for key, _ in self._processes}
        for key in self._waiting.keys() - busy:
            self._deliver(key)
        return not self._waiting and not self._processes

    def _deliver(self, key: str) -> None:
        strike = Strike(self.dice.choice(_POINTS)) if self.arms and self.dice.random() < 0.4 else None
        self._processes.append((key, self.here.fork("publish", self._waiting[key], strike=strike)))
        self.toll.deliveries += 1

    def _open(self, pair: str) -> dict[str, Any]:
        self._opened[pair] = self._opened.get(pair, 0) + 1
        return {"currency_pair": pair, "direction": "buy", "sl": PAIRS[pair]}

    def _close(self, pair: str) -> dict[str, Any]:
        if self.dice.random() < 0.35 and self._opened[pair] < 3:
            return self._open(pair)
        self._opened[pair] = 0
        return {"currency_pair": pair, "direction": "buy", "action": "close"}
