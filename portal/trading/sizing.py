"""How big an order may be: domain.md section 4, in exact arithmetic. Rounds down, never up.

A size that is derived from the account (`percentage`, `risk_percent`) is cut until it can be paid for. A
size that was named (`fixed`, `fixed_amount`) is cut only to leave room for fee and slippage; if the bare
order already costs more than is free, it is denied, because a much smaller order is not what was asked for.
"""

from dataclasses import dataclass
from decimal import Decimal

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.preset import PresetRules
from portal.trading.types import MarketType, Side, SizingMode

_NAMED = (SizingMode.FIXED, SizingMode.FIXED_AMOUNT)
_SHOWN_SCALE = Decimal("0.00000001")


def size(
    rules: PresetRules,
    instrument: Instrument,
    side: Side,
    price: Decimal,
    free: Decimal,
    equity: Decimal,
    sl: Decimal | None,
    multiplier: Decimal,
    free_base: Decimal | None = None,
    *,
    max_multiplier: Decimal = Decimal(1),
) -> Decimal | Denial:
    """The quantity to order (base currency on spot, contracts on swaps), a multiple of the lot, or why not.

    `free` and `equity` are in the currency that pays (`instrument.cash_currency`); `free_base` is what a spot
    account holds. `price` is the reference price, above zero.
    """
    multiplier = min(multiplier, max_multiplier)
    if multiplier <= 0:
        return deny(DenialCode.DECISION_REJECTED, multiplier=multiplier)
    with exact():
        budget = _Budget(rules, instrument, side, price, free, free_base)
        wanted = budget.wanted(equity, sl, multiplier)
        return wanted if isinstance(wanted, Denial) else budget.fit(wanted)


@dataclass(frozen=True, slots=True)
class _Budget:
    rules: PresetRules
    instrument: Instrument
    side: Side
    price: Decimal
    free: Decimal
    free_base: Decimal | None

    @property
    def _worth(self) -> Decimal:
        """Quote currency per unit of quantity."""
        return self.instrument.notional(Decimal(1), self.price)

    @property
    def _spot_sell(self) -> bool:
        return self.instrument.market_type is MarketType.SPOT and self.side is Side.SELL

    @property
    def _leverage(self) -> Decimal:
        # A signal may send a swap preset to a spot market: nothing is borrowed there.
        on_swap = self.instrument.market_type is MarketType.SWAP
        return self.rules.leverage if on_swap and self.rules.leverage else Decimal(1)

    def _bought_with(self, cash: Decimal, overhead: Decimal = Decimal(1)) -> Decimal:
        """Units that `cash` covers at `overhead` times their price. One division, so that flooring stays
        exact."""
        size = self.instrument.contract_size
        if self.instrument.linear:
            return cash / (self.price * size * overhead)
        return cash * self.price / (size * overhead)

    def wanted(self, equity: Decimal, sl: Decimal | None, multiplier: Decimal) -> Decimal | Denial:
        value = self.rules.sizing_value
        match self.rules.sizing_mode:
            case SizingMode.FIXED:
                return value * multiplier
            case SizingMode.PERCENTAGE:
                return self._bought_with(max(self.free, Decimal(0)) * value * multiplier, Decimal(100))
            case SizingMode.FIXED_AMOUNT:
                return value * multiplier / self._worth
            case SizingMode.RISK_PERCENT:
                return self._risked(max(equity, Decimal(0)) * value * multiplier, sl)

    def _risked(self, cash_percent: Decimal, sl: Decimal | None) -> Decimal | Denial:
        if sl is None:
            return deny(DenialCode.STOP_LOSS_REQUIRED)
        distance = abs(self.price - sl)
        if distance == 0:
            return deny(DenialCode.STOP_LOSS_WRONG_SIDE, sl=sl, price=self.price)
        at_stake = distance * self.instrument.contract_size * 100
        if self.instrument.linear:
            return cash_percent / at_stake
        # One inverse contract loses contract_size * |1/p - 1/sl| of the base currency.
        return cash_percent * self.price * sl / at_stake

    def fit(self, wanted: Decimal) -> Decimal | Denial:
        if self.rules.max_notional is not None:
            wanted = min(wanted, self.rules.max_notional / self._worth)
        least = self.rules.min_notional
        if least is not None and wanted < least / self._worth:
            return self._too_small_for_preset(wanted, least)
        payable = self._sellable(wanted) if self._spot_sell else self._payable(wanted)
        if isinstance(payable, Denial):
            return payable
        if least is not None and payable < least / self._worth:
            return self._too_small_for_preset(payable, least) if self._spot_sell else self._short_of(wanted)
        quantity = self.instrument.floor_quantity(payable)
        denial = venue_denial(self.instrument, quantity, self.price)
        if denial is None:
            return quantity
        too_small = denial.code in (DenialCode.QUANTITY_BELOW_MINIMUM, DenialCode.NOTIONAL_BELOW_MINIMUM)
        return self._short_of(wanted) if too_small and payable < wanted and not self._spot_sell else denial

    def _sellable(self, wanted: Decimal) -> Decimal | Denial:
        if self.free_base is None or self.free_base <= 0:
            return deny(DenialCode.NOTHING_TO_SELL, currency=self.instrument.base, free=self.free_base or 0)
        return min(wanted, self.free_base)

    def _payable(self, wanted: Decimal) -> Decimal | Denial:
        """What the free balance covers: price, slippage limit and fee on spot; margin and fee on swaps."""
        if self.free <= 0:
            return self._short_of(wanted)
        spare = self._bought_with(self.free * self._leverage)
        if self.rules.sizing_mode in _NAMED and wanted > spare:
            return self._short_of(wanted)
        return min(wanted, self._bought_with(self.free * self._leverage, self._overhead))

    @property
    def _overhead(self) -> Decimal:
        """What has to be free, as a multiple of the notional divided by the leverage."""
        fee = self.instrument.taker_fee
        if self.instrument.market_type is MarketType.SWAP:
            return 1 + fee * self._leverage
        return (1 + self.rules.max_slippage_bps / 10_000) * (1 + fee)

    def _short_of(self, wanted: Decimal) -> Denial:
        needed = wanted / self._bought_with(self._leverage, self._overhead)
        return deny(
            DenialCode.BALANCE_INSUFFICIENT,
            needed=_shown(needed),
            free=max(self.free, Decimal(0)),
            currency=self.instrument.cash_currency,
        )

    def _too_small_for_preset(self, quantity: Decimal, least: Decimal) -> Denial:
        return deny(
            DenialCode.NOTIONAL_BELOW_PRESET_MINIMUM,
            notional=_shown(quantity * self._worth),
            minimum=least,
            currency=self.instrument.quote,
        )


def venue_denial(instrument: Instrument, quantity: Decimal, price: Decimal | None) -> Denial | None:
    """What the venue's own limits say against a quantity on the lot; notional limits need a price."""
    unit = instrument.unit
    minimum = max(instrument.lot_size, instrument.min_quantity or Decimal(0))
    if quantity < minimum:
        return deny(DenialCode.QUANTITY_BELOW_MINIMUM, quantity=quantity, minimum=minimum, unit=unit)
    maximum = instrument.max_quantity
    if maximum is not None and quantity > maximum:
        return deny(DenialCode.QUANTITY_ABOVE_MAXIMUM, quantity=quantity, maximum=maximum, unit=unit)
    if price is None:
        return None
    notional = instrument.notional(quantity, price)
    numbers = {"notional": notional, "currency": instrument.quote}
    if instrument.min_notional is not None and notional < instrument.min_notional:
        return deny(DenialCode.NOTIONAL_BELOW_MINIMUM, minimum=instrument.min_notional, **numbers)
    if instrument.max_notional is not None and notional > instrument.max_notional:
        return deny(DenialCode.NOTIONAL_ABOVE_MAXIMUM, maximum=instrument.max_notional, **numbers)
    return None


def _shown(value: Decimal) -> Decimal:
    return value.quantize(_SHOWN_SCALE)
