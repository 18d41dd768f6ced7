"""Sizing: the formulas by hand, then any account, preset and market against the oracle."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.denials import Denial, DenialCode
from portal.trading.instrument import Instrument
from portal.trading.sizing import size
from portal.trading.types import Side
from tests.trading import oracle_sizing as oracle
from tests.trading.factories import D, bounded, frac, inverse, linear, money, rules, spot


def sized(preset: dict[str, Any], instrument: Instrument | None = None, **changes: Any) -> Decimal | Denial:
    values: dict[str, Any] = {
        "side": Side.BUY,
        "price": D(100),
        "free": D(10_000),
        "equity": D(20_000),
        "sl": D(98),
        "multiplier": D(1),
    }
    return size(rules(**preset), instrument or spot(), **(values | changes))


def code(result: Decimal | Denial) -> DenialCode:
    assert isinstance(result, Denial)
    return result.code


FIXED = {"sizing_mode": "fixed", "sizing_value": "2"}
PERCENTAGE = {"sizing_mode": "percentage", "sizing_value": "10"}
AMOUNT = {"sizing_mode": "fixed_amount", "sizing_value": "500"}
RISK = {"sizing_mode": "risk_percent", "sizing_value": "0.5"}
SWAP = {"market_type": "swap", "leverage": "10"}


@pytest.mark.parametrize(
    ("preset", "instrument", "expected"),
    [
        (FIXED, spot(), "2"),
        (PERCENTAGE, spot(), "10"),
        (AMOUNT, spot(), "5"),
        (RISK, spot(), "50"),  # 100 at stake, 2 per unit
        (FIXED | SWAP, linear(), "2"),
        (PERCENTAGE | SWAP, linear(), "10000"),  # 1000 USDT, 0.1 USDT per contract
        (AMOUNT | SWAP, linear(), "5000"),
        (RISK | SWAP, linear(), "50000"),
        (FIXED | SWAP, inverse(), "2"),
        (AMOUNT | SWAP, inverse(), "5"),  # 100 USD per contract
    ],
)
def test_each_mode_gives_the_quantity_of_its_formula(
    preset: dict[str, Any], instrument: Instrument, expected: str
) -> None:
    assert sized(preset, instrument) == D(expected)


def test_inverse_contracts_are_sized_in_the_base_currency_that_settles_them() -> None:
    # 2 BTC free at 50 000: 10 % are 10 000 USD, 100 contracts.
    assert sized(PERCENTAGE | SWAP, inverse(), price=D(50_000), free=D(2), sl=D(40_000)) == 100
    # 0.01 BTC at stake; one contract loses 100 * (1/40000 - 1/50000) = 0.0005 BTC.
    assert sized(RISK | SWAP, inverse(), price=D(50_000), free=D(2), equity=D(2), sl=D(40_000)) == 20


@pytest.mark.parametrize("preset", [FIXED, PERCENTAGE, AMOUNT, RISK])
def test_the_multiplier_counts_in_every_mode(preset: dict[str, Any]) -> None:
    whole, half = sized(preset), sized(preset, multiplier=D("0.5"))
    assert isinstance(whole, Decimal)
    assert half == whole / 2


def test_the_multiplier_is_never_above_its_cap() -> None:
    assert sized(AMOUNT, multiplier=D(7)) == sized(AMOUNT)
    assert sized(AMOUNT, multiplier=D(7), max_multiplier=D(2)) == D(10)


@pytest.mark.parametrize("multiplier", ["0", "-1"])
def test_a_multiplier_of_nothing_denies(multiplier: str) -> None:
    assert code(sized(AMOUNT, multiplier=D(multiplier))) is DenialCode.DECISION_REJECTED


def test_risk_without_a_stop_is_denied() -> None:
    assert code(sized(RISK, sl=None)) is DenialCode.STOP_LOSS_REQUIRED


def test_risk_with_the_stop_at_the_entry_is_denied() -> None:
    assert code(sized(RISK, sl=D(100))) is DenialCode.STOP_LOSS_WRONG_SIDE


def test_a_quantity_is_floored_to_the_lot() -> None:
    assert sized(AMOUNT, spot(lot_size=D("0.3"))) == D("4.8")


def test_an_order_above_the_presets_maximum_is_cut_to_it() -> None:
    assert sized(AMOUNT | {"max_notional": "123"}) == D("1.23")


def test_an_order_below_the_presets_minimum_is_denied() -> None:
    denial = sized(AMOUNT | {"min_notional": "500.01"})
    assert code(denial) is DenialCode.NOTIONAL_BELOW_PRESET_MINIMUM
    assert "worth 500 USDT; the preset's minimum is 500.01 USDT" in denial.message  # type: ignore[union-attr]


def test_an_order_exactly_at_the_presets_minimum_passes_also_when_the_division_is_endless() -> None:
    assert sized(AMOUNT | {"min_notional": "500"}, price=D(3)) == D("166.66666")


def test_all_of_the_balance_leaves_room_for_fee_and_slippage() -> None:
    quantity = sized({"sizing_value": "100", "max_slippage_bps": "50"})
    assert quantity == D("99.40308")
    assert quantity * D(100) * D("1.005") * D("1.001") <= 10_000


def test_a_named_amount_that_just_fits_is_cut_to_leave_room() -> None:
    assert sized(AMOUNT, free=D(500)) == D("4.94554")


@pytest.mark.parametrize("preset", [FIXED, AMOUNT])
def test_a_named_size_above_the_balance_is_denied_with_the_numbers(preset: dict[str, Any]) -> None:
    denial = sized(preset, free=D("199.99"))
    assert code(denial) is DenialCode.BALANCE_INSUFFICIENT
    assert "199.99 USDT are free" in denial.message  # type: ignore[union-attr]


def test_a_risk_that_the_balance_cannot_carry_is_cut_to_the_balance() -> None:
    assert sized(RISK, free=D(1000)) == D("9.89109")


@pytest.mark.parametrize("preset", [FIXED, PERCENTAGE, AMOUNT, RISK])
@pytest.mark.parametrize("free", ["0", "-5"])
def test_an_empty_account_buys_nothing(preset: dict[str, Any], free: str) -> None:
    assert code(sized(preset, free=D(free))) is DenialCode.BALANCE_INSUFFICIENT


def test_a_balance_that_only_carries_less_than_the_venues_minimum_is_named_as_the_cause() -> None:
    instrument = spot(min_notional=D(10))
    assert code(sized(AMOUNT | {"sizing_value": "10"}, instrument, free=D(10))) is (
        DenialCode.BALANCE_INSUFFICIENT
    )


def test_margin_and_fee_must_be_free_on_swaps() -> None:
    assert sized(FIXED | SWAP | {"sizing_value": "10"}, linear(contract_size=D(1)), free=D(101)) == 10
    assert sized(FIXED | SWAP | {"sizing_value": "10"}, linear(contract_size=D(1)), free=D("100.99")) == 9
    assert code(sized(FIXED | SWAP | {"sizing_value": "10"}, linear(contract_size=D(1)), free=D(99))) is (
        DenialCode.BALANCE_INSUFFICIENT
    )


def test_the_leverage_of_a_swap_preset_does_not_count_on_spot() -> None:
    assert code(sized(FIXED | SWAP, spot(), free=D(150))) is DenialCode.BALANCE_INSUFFICIENT


def test_a_spot_sell_is_cut_to_the_holdings() -> None:
    assert sized(AMOUNT, side=Side.SELL, free_base=D("0.123456789")) == D("0.12345")


@pytest.mark.parametrize("free_base", [None, D(0), D(-1)])
def test_a_spot_sell_without_holdings_is_denied(free_base: Decimal | None) -> None:
    assert code(sized(AMOUNT, side=Side.SELL, free_base=free_base)) is DenialCode.NOTHING_TO_SELL


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"lot_size": D(6)}, DenialCode.QUANTITY_BELOW_MINIMUM),
        ({"min_quantity": D("5.1")}, DenialCode.QUANTITY_BELOW_MINIMUM),
        ({"max_quantity": D("4.9")}, DenialCode.QUANTITY_ABOVE_MAXIMUM),
        ({"min_notional": D("500.1")}, DenialCode.NOTIONAL_BELOW_MINIMUM),
        ({"max_notional": D("499.9")}, DenialCode.NOTIONAL_ABOVE_MAXIMUM),
    ],
)
def test_what_the_venue_would_refuse_is_denied_rather_than_rounded_up(
    limits: dict[str, Decimal], expected: DenialCode
) -> None:
    assert code(sized(AMOUNT, spot(**limits))) is expected


LOTS = st.sampled_from([D("0.00001"), D("0.001"), D("0.3"), D(1)])


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], Instrument, dict[str, Any]]:
    mode = draw(st.sampled_from(["fixed", "percentage", "fixed_amount", "risk_percent"]))
    top = {"fixed": "50", "percentage": "100", "fixed_amount": "20000", "risk_percent": "100"}[mode]
    make = draw(st.sampled_from([spot, linear, inverse]))
    preset = {
        "sizing_mode": mode,
        "sizing_value": draw(money("0.00000001", top)),
        "max_slippage_bps": draw(money("0", "500", places=2)),
        "max_notional": draw(st.none() | money("0.01", "5000")),
    }
    if make is not spot:
        preset |= {"market_type": "swap", "leverage": draw(st.sampled_from(["1", "3", "7.5", "100"]))}
    instrument = make(
        lot_size=draw(LOTS),
        contract_size=D(1) if make is spot else draw(st.sampled_from([D("0.001"), D(1), D(7), D(100)])),
        taker_fee=draw(money("0", "0.01")),
    )
    price = draw(money("0.00000001", "100000"))
    account = {
        "side": draw(st.sampled_from(Side)),
        "price": price,
        "free": draw(money("0", "20000")),
        "equity": draw(money("0", "30000")),
        "sl": draw(money("0.00000001", "100000").filter(lambda sl: sl != price)),
        "multiplier": draw(money("0.00000001", "1")),
        "free_base": draw(money("0", "10")),
    }
    return preset, instrument, account


@bounded
@given(cases())
def test_a_size_is_the_largest_number_of_lots_that_breaks_no_bound(
    case: tuple[dict[str, Any], Instrument, dict[str, Any]],
) -> None:
    preset, instrument, account = case
    result = sized(preset, instrument, **account)
    if isinstance(result, Denial):
        assert not may_be_ordered(preset, instrument, account, frac(instrument.lot_size)) or (
            result.code is DenialCode.BALANCE_INSUFFICIENT and preset["sizing_mode"].startswith("fixed")
        )
        return
    assert result > 0
    assert may_be_ordered(preset, instrument, account, frac(result))
    assert not may_be_ordered(preset, instrument, account, frac(result) + frac(instrument.lot_size))
    assert (frac(result) / frac(instrument.lot_size)).denominator == 1


def may_be_ordered(
    preset: dict[str, Any], instrument: Instrument, account: dict[str, Any], quantity: Fraction
) -> bool:
    made = rules(**preset)
    price, free = frac(account["price"]), frac(account["free"])
    wish = oracle.within_wish(
        made,
        instrument,
        price,
        free,
        frac(account["equity"]),
        frac(account["sl"]),
        frac(account["multiplier"]),
        quantity,
    )
    return (
        wish
        and oracle.within_maximum(made, instrument, price, quantity)
        and oracle.affordable(
            made, instrument, account["side"], price, free, frac(account["free_base"]), quantity
        )
    )
