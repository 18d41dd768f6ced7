"""What a preview says about one account, and how it is kept. Pure; asks nobody."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from portal.trading.numbers import text


class Verdict(StrEnum):
    """`unknown` is neither yes nor no: the exchange could not be asked, and an order would ask again."""

    TRADE = "would_trade"
    REFUSE = "would_refuse"
    UNKNOWN = "not_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """The order that would be sent, with its numbers as they would be sent.

    `notional` is in `currency` at `reference_price`; `quantity` counts `unit`. `protection` is `native`,
    `local`, `none` or empty, and `guard` the sentence about it."""

    symbol: str
    side: str
    order_type: str
    quantity: Decimal
    unit: str
    currency: str
    time_in_force: str = ""
    notional: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reference_price: Decimal | None = None
    sl_price: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    closes: bool = False
    protection: str = ""
    guard: str = ""


_NUMBERS = ("quantity", "notional", "price", "trigger_price", "reference_price", "sl_price")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`at` is when account and market had been read. `code` and `message` say why not; `notes` what else an
    order would wait for."""

    connection_id: int
    verdict: Verdict
    at: datetime
    code: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    sketches: tuple[Sketch, ...] = ()


def dump(answer: Answer) -> str:
    """As it is kept."""
    return json.dumps(asdict(answer), default=_plain)


def load(kept: str | bytes) -> Answer:
    """What `dump` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    found: dict[str, Any] = json.loads(kept)
    return Answer(
        connection_id=found["connection_id"],
        verdict=Verdict(found["verdict"]),
        at=datetime.fromisoformat(found["at"]),
        code=found["code"],
        message=found["message"],
        notes=tuple(found["notes"]),
        sketches=tuple(_sketch(each) for each in found["sketches"]),
    )


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def _sketch(kept: Mapping[str, Any]) -> Sketch:
    numbers = {name: None if kept[name] is None else Decimal(kept[name]) for name in _NUMBERS}
    targets = tuple(Decimal(each) for each in kept["targets"])
    return Sketch(**{**kept, **numbers, "targets": targets})


def totals(answers: Mapping[int, Answer]) -> dict[str, Decimal]:
    """What the orders would be worth together, by currency, largest first."""
    sums: dict[str, Decimal] = {}
    for answer in answers.values():
        for each in answer.sketches:
            if each.notional is not None:
                sums[each.currency] = sums.get(each.currency, Decimal(0)) + each.notional
    return dict(sorted(sums.items(), key=lambda item: item[1], reverse=True))
