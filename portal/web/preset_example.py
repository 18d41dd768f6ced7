"""The example beside the form of a preset, in words: what it would order, what could be lost, where it would
end. Pure text; panel and portal pages share it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from portal.db import utcnow
from portal.errors import ValidationError
from portal.trading import preset_example
from portal.trading.denials import Denial
from portal.trading.planning import EntryPlan
from portal.trading.preset import PresetRules, parse_preset
from portal.trading.preset_example import FREE, PRICE, Example
from portal.trading.types import MarketType, OrderType
from portal.web.formatting import plain_number

_CENT = Decimal("0.01")
_ACCOUNT = f"With {plain_number(FREE)} USDT free and BTC/USDT at {plain_number(PRICE)}"


@dataclass(frozen=True, slots=True)
class Words:
    """What stands in the box: a main sentence, what follows from it, and a colour."""

    headline: str
    details: tuple[str, ...] = ()
    tone: str = ""


def example_of(data: Mapping[str, object]) -> Words | None:
    """The example of what `parse_preset` would read, a name is not needed yet; None while it would refuse."""
    try:
        rules = parse_preset({**data, "name": data.get("name") or "?"})
    except ValidationError:
        return None
    return in_words(preset_example.example(rules, utcnow()))


def in_words(given: Example) -> Words:
    """The sentences of an example."""
    rules, plan = given.rules, given.plan
    if isinstance(plan, Denial):
        return Words(f"{_ACCOUNT}, this signal would be denied. {plan.message}", (), "warn")
    details = (_stop(plan), _targets(plan), *_later(rules, plan), _signal(plan))
    return Words(f"{_ACCOUNT}, this {_order(rules, plan)}", tuple(filter(None, details)))


def _order(rules: PresetRules, plan: EntryPlan) -> str:
    worth = f"{plain_number(plan.quantity)} BTC for {_usdt(plan.notional)}"
    at = plain_number(plan.reference_price)
    verb = {
        OrderType.MARKET: "would buy",
        OrderType.LIMIT: f"would place a limit order at {at} to buy",
        OrderType.STOP: f"would wait for {at} and then buy",
    }[plan.order_type]
    cut = " (cut to the largest order)" if _is_cut(rules, plan) else ""
    if plan.instrument.market_type is MarketType.SPOT:
        return f"{verb} {worth}{cut}."
    leverage = rules.leverage or Decimal(1)
    margin = f"{_usdt(plan.notional / leverage)} of margin at {plain_number(leverage)}×"
    return f"{verb} {worth}{cut}, with {margin}."


def _is_cut(rules: PresetRules, plan: EntryPlan) -> bool:
    limit = rules.max_notional
    lot = plan.instrument.lot_size * plan.reference_price
    return limit is not None and limit - lot < plan.notional


def _stop(plan: EntryPlan) -> str:
    if plan.sl_price is None:
        return "No stop: the loss has no limit."
    loss = (plan.reference_price - plan.sl_price) * plan.quantity
    share = plain_number((loss / FREE * 100).quantize(_CENT, ROUND_HALF_EVEN))
    return f"Stop at {plain_number(plan.sl_price)}: about {_usdt(loss)} at risk, {share} % of the account."


def _targets(plan: EntryPlan) -> str:
    if not plan.targets:
        return "No target: it ends by its stop, by a closing signal or by hand."
    parts = [
        f"{plain_number(target.price)} for {plain_number(target.close_fraction * 100)} %"
        for target in plan.targets
    ]
    return f"{'Targets' if len(parts) > 1 else 'Target'}: {' and '.join(parts)}."


def _later(rules: PresetRules, plan: EntryPlan) -> list[str]:
    found = []
    if rules.break_even_at_r is not None and plan.sl_price is not None:
        moved = plan.reference_price + (plan.reference_price - plan.sl_price) * rules.break_even_at_r
        found.append(f"At {plain_number(moved)} the stop moves to the entry.")
    if rules.trailing_stop_percent is not None:
        found.append(f"The stop follows the price at {plain_number(rules.trailing_stop_percent)} %.")
    elif rules.trailing_stop_distance is not None:
        found.append(f"The stop follows the price {plain_number(rules.trailing_stop_distance)} USDT behind.")
    return found


def _signal(_plan: EntryPlan) -> str:
    stop, targets = plain_number(preset_example.SL), " and ".join(map(plain_number, preset_example.TARGETS))
    return f"The signal of this example names a stop at {stop} and targets at {targets}. Fees are left out."


def _usdt(value: Decimal) -> str:
    return f"{plain_number(value.quantize(_CENT, ROUND_HALF_EVEN))} USDT"
