"""What the demo consists of: people, plans, presets and accounts. A table; `demo.py` makes it real."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ADMIN = "admin@example.com"
ALICE = "alice@example.com"
BOB = "bob@example.com"
PEOPLE: Mapping[str, str] = {ADMIN: "admin", ALICE: "trader", BOB: "trader"}

SPOT_PLAN = "Majors"
SWAP_PLAN = "Majors with leverage"
PLANS: Mapping[str, str] = {
    SPOT_PLAN: "Bitcoin and Ether, a few signals a week.",
    SWAP_PLAN: "The same signals, for accounts that trade perpetuals.",
}
SUBSCRIPTIONS = ((ALICE, SPOT_PLAN), (ALICE, SWAP_PLAN), (BOB, SPOT_PLAN))

SPOT_PERCENT = "Spot, 2 % of the balance"
SPOT_AMOUNT = "Spot, 250 USDT"
SWAP_RISK = "Swap 3x, 1 % at risk"
SWAP_TRAILING = "Swap 3x, 5 % with a trailing stop"
_TWO_TARGETS = [
    {"mode": "signal", "close_fraction": "0.5"},
    {"mode": "r_multiple", "value": "3", "close_fraction": "0.5"},
]
PRESETS: tuple[Mapping[str, Any], ...] = (
    {
        "name": SPOT_PERCENT,
        "description": "Buys for two percent of the free balance; stop and targets from the signal.",
        "market_type": "spot", "sizing_mode": "percentage", "sizing_value": "2",
    },
    {
        "name": SPOT_AMOUNT,
        "description": "Buys for the same amount each time and leaves at the first target.",
        "market_type": "spot", "sizing_mode": "fixed_amount", "sizing_value": "250",
        "stop_loss_mode": "percent", "stop_loss_value": "3",
        "take_profits": [{"mode": "signal", "close_fraction": "1"}],
    },
    {
        "name": SWAP_RISK,
        "description": "Risks one percent of the equity; half leaves at the first target, half at 3 R.",
        "market_type": "swap", "leverage": "3", "margin_mode": "cross",
        "sizing_mode": "risk_percent", "sizing_value": "1", "max_notional": "5000",
        "take_profits": _TWO_TARGETS, "break_even_at_r": "1.5",
    },
    {
        "name": SWAP_TRAILING,
        "description": "Five percent of the balance; the stop follows once it is two percent ahead.",
        "market_type": "swap", "leverage": "3", "margin_mode": "cross",
        "sizing_mode": "percentage", "sizing_value": "5",
        "trailing_stop_percent": "1.5", "trailing_activation_percent": "2",
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One practice account and the connection that uses it."""

    name: str
    owner: str
    #: `sandbox` for spot, `sandboxusdm` for perpetuals.
    exchange_name: str
    preset: str
    usdt: str = "10000"
    is_admin_owned: bool = False
    #: The practice exchange takes every other order of this account and hangs up instead of answering.
    faulty: bool = False


FAULTY = "Loses answers on purpose"
ACCOUNTS = (
    DemoAccount("House, spot", ADMIN, "sandbox", SPOT_PERCENT, "50000", is_admin_owned=True),
    DemoAccount("House, perpetuals", ADMIN, "sandboxusdm", SWAP_RISK, "50000", is_admin_owned=True),
    DemoAccount("House, trailing", ADMIN, "sandboxusdm", SWAP_TRAILING, "20000", is_admin_owned=True),
    DemoAccount(FAULTY, ADMIN, "sandbox", SPOT_AMOUNT, is_admin_owned=True, faulty=True),
    DemoAccount("Alice, savings", ALICE, "sandbox", SPOT_PERCENT, "25000"),
    DemoAccount("Alice, small steps", ALICE, "sandbox", SPOT_AMOUNT, "5000"),
    DemoAccount("Alice, perpetuals", ALICE, "sandboxusdm", SWAP_RISK, "15000"),
    DemoAccount("Alice, trailing", ALICE, "sandboxusdm", SWAP_TRAILING, "8000"),
    DemoAccount("Bob, main", BOB, "sandbox", SPOT_PERCENT, "12000"),
    DemoAccount("Bob, pocket money", BOB, "sandbox", SPOT_AMOUNT, "600"),
    DemoAccount("Bob, perpetuals", BOB, "sandboxusdm", SWAP_RISK, "6000"),
    DemoAccount("Bob, trailing", BOB, "sandboxusdm", SWAP_TRAILING, "3000"),
)
PAIR = "BTC/USDT"
SANDBOX_SYMBOL = "BTCUSDT"
