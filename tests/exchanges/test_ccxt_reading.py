"""ccxt's words into ours: exact numbers, no guesses, nothing dropped in silence."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.exchanges.ccxt_codes import read_words
from portal.exchanges.ccxt_fills import _Pages
from portal.exchanges.ccxt_instruments import DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE, to_instrument
from portal.exchanges.ccxt_numbers import decimal_or_none, time_or_none
from portal.exchanges.ccxt_params import _price_text
from portal.exchanges.ccxt_reports import to_balances, to_fill, to_order_report, to_positions, to_ticker
from portal.exchanges.ccxt_scrub import HIDDEN, scrub
from portal.exchanges.errors import ExchangeError
from portal.exchanges.venues import ClientIdShape, client_order_id_parameter, shape_client_order_id
from portal.trading.orders import Fee
from portal.trading.types import OrderState, PositionSide, Side

ID = "0123456789abcdef0123456789abcdef"
MARKET = {
    "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True, "active": True, "taker": "0.002",
    "precision": {"price": "0.01", "amount": "0.0001"},
    "limits": {"amount": {"min": "0.001", "max": "5"}, "cost": {"min": "5"},
               "price": {"min": "1", "max": "9"}},
}  # fmt: skip
SWAP = {
    **MARKET,
    "symbol": "BTC/USD:BTC",
    "spot": False,
    "swap": True,
    "settle": "BTC",
    "contractSize": "100",
}


def test_a_market_becomes_an_instrument_with_its_limits() -> None:
    found = to_instrument(MARKET, TICK_SIZE)
    assert found is not None
    assert (found.tick_size, found.lot_size, found.taker_fee) == (
        Decimal("0.01"),
        Decimal("0.0001"),
        Decimal("0.002"),
    )
    assert (found.min_quantity, found.max_quantity, found.min_notional) == (
        Decimal("0.001"),
        Decimal(5),
        Decimal(5),
    )
    assert (found.min_price, found.max_price, found.settle) == (Decimal(1), Decimal(9), "USDT")


def test_an_inverse_swap_keeps_its_contract_size() -> None:
    found = to_instrument({**SWAP, "inverse": True, "linear": False}, TICK_SIZE)
    assert found is not None
    assert (found.linear, found.contract_size, found.settle) == (False, Decimal(100), "BTC")


@pytest.mark.parametrize(
    "broken",
    [
        {**MARKET, "precision": {"price": None, "amount": "1"}},
        {**MARKET, "precision": {"price": "0.01"}},
        {**MARKET, "precision": {"price": "0", "amount": "1"}},
        {**MARKET, "precision": {"price": "NaN", "amount": "1"}},
        {**MARKET, "precision": None},
        {**MARKET, "base": None},
        {**MARKET, "spot": False, "future": True},
        {**SWAP, "linear": True, "contractSize": None},
        {**SWAP, "linear": None, "inverse": None},
        {**SWAP, "linear": True, "option": True},
    ],
)
def test_a_market_that_cannot_be_described_is_left_out(broken: dict[str, Any]) -> None:
    assert to_instrument(broken, TICK_SIZE) is None


def test_decimal_places_are_a_power_of_ten() -> None:
    found = to_instrument({**MARKET, "precision": {"price": 2, "amount": 0}}, DECIMAL_PLACES)
    assert found is not None
    assert (found.tick_size, found.lot_size) == (Decimal("0.01"), Decimal(1))


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, "30123"), (Side.SELL, "30124")])
def test_a_price_in_significant_digits_is_never_rounded_against_its_owner(side: Side, expected: str) -> None:
    class Client:
        precisionMode = SIGNIFICANT_DIGITS
        id = "bitfinex"

    assert _price_text(Decimal("30123.7"), side, Client()) == expected


ORDER = {"id": "7", "side": "buy", "symbol": "BTC/USDT", "amount": "2", "filled": "0", "status": "open"}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, OrderState.OPEN),
        ({"status": None}, OrderState.OPEN),
        ({"filled": "1"}, OrderState.PARTIALLY_FILLED),
        ({"status": "closed", "filled": "2"}, OrderState.FILLED),
        ({"status": "closed", "filled": None}, OrderState.FILLED),
        ({"status": "closed", "filled": "1"}, OrderState.CANCELED),
        ({"status": "canceled", "filled": "1"}, OrderState.CANCELED),
        ({"status": "expired"}, OrderState.EXPIRED),
        ({"status": "rejected"}, OrderState.REJECTED),
        ({"status": "canceling"}, OrderState.OPEN),
        ({"status": "something new"}, OrderState.OPEN),
    ],
)
def test_an_orders_state_follows_status_and_fill(changes: dict[str, Any], state: OrderState) -> None:
    assert to_order_report({**ORDER, **changes}, symbol="BTC/USDT").state is state


def test_an_order_without_id_or_side_is_an_error() -> None:
    for broken in ({**ORDER, "id": None}, {**ORDER, "side": None}):
        with pytest.raises(ValueError, match="without id or side"):
            to_order_report(broken, symbol="BTC/USDT")


def test_an_average_is_derived_from_cost_when_it_is_missing() -> None:
    report = to_order_report({**ORDER, "filled": "2", "cost": "7"}, symbol="BTC/USDT")
    assert report.average_price == Decimal("3.5")


TRADE = {
    "id": "t",
    "order": "7",
    "symbol": "BTC/USDT",
    "side": "buy",
    "amount": "0.1",
    "price": "3",
    "timestamp": 1,
}


def test_fees_of_a_trade_keep_their_currency_and_rebates_their_sign() -> None:
    one = to_fill({**TRADE, "fee": {"currency": "BNB", "cost": "0.001"}})
    many = to_fill(
        {**TRADE, "fees": [{"currency": "BTC", "cost": "-0.1"}, {"currency": None, "cost": "1"}, {}]}
    )
    assert one is not None
    assert many is not None
    assert one.fees == (Fee("BNB", Decimal("0.001")),)
    assert many.fees == (Fee("BTC", Decimal("-0.1")),)


def test_a_trade_without_an_id_gets_the_same_made_up_one_each_time() -> None:
    first, again = to_fill({**TRADE, "id": None}), to_fill({**TRADE, "id": None})
    other = to_fill({**TRADE, "id": None, "amount": "0.2"})
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.exchange_fill_id == again.exchange_fill_id != other.exchange_fill_id
    assert first.exchange_fill_id.startswith("derived-")


def test_a_trade_inside_an_order_without_an_id_waits_for_the_list_of_fills() -> None:
    assert to_fill({**TRADE, "id": None}, ORDER) is None


@pytest.mark.parametrize("missing", ["order", "side", "amount", "price"])
def test_a_trade_that_lacks_what_a_fill_is_made_of_is_no_fill(missing: str) -> None:
    assert to_fill({**TRADE, missing: None}) is None


@pytest.mark.parametrize(
    ("raw", "bid", "ask"),
    [
        ({"bid": "1", "ask": "2"}, "1", "2"),
        ({"bid": "2", "ask": "1", "last": "1.5"}, "2", "1"),  # crossed, which is for others to judge
        ({"bid": "1e400", "ask": "2"}, None, "2"),
        ({"bid": "0", "ask": "2"}, None, "2"),
        ({"bid": "NaN", "ask": None, "last": "3"}, None, None),
    ],
)
def test_a_ticker_keeps_only_sane_prices(raw: dict[str, Any], bid: str | None, ask: str | None) -> None:
    found = to_ticker(raw, "BTC/USDT")
    assert found is not None
    assert (found.bid, found.ask) == (bid and Decimal(bid), ask and Decimal(ask))


def test_a_ticker_without_a_usable_price_is_missing() -> None:
    assert to_ticker({"bid": "0", "ask": None, "last": "-1"}, "BTC/USDT") is None


def test_balances_drop_empty_currencies_and_keep_exact_numbers() -> None:
    found = to_balances(
        {"total": {"BTC": "0.10", "USDT": "0", "X": None}, "free": {"BTC": "0.04", "USDT": "0"}}
    )
    assert set(found) == {"BTC"}
    assert (found["BTC"].free, found["BTC"].total) == (Decimal("0.04"), Decimal("0.10"))


def test_positions_that_are_flat_are_left_out_and_a_short_is_positive() -> None:
    rows = [
        {"symbol": "A", "contracts": "0", "side": "long"},
        {"symbol": "B", "contracts": "-3", "side": None, "entryPrice": "5"},
    ]
    [short] = to_positions(rows)
    assert (short.symbol, short.position_side, short.quantity) == ("B", PositionSide.SHORT, Decimal(3))


@pytest.mark.parametrize("value", [None, "", "abc", "NaN", "Infinity", True, {}])
def test_what_is_not_a_number_is_none(value: object) -> None:
    assert decimal_or_none(value) is None


def test_times_are_utc() -> None:
    assert time_or_none("1700000000000") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert time_or_none(0) is time_or_none("x") is time_or_none(10**20) is None


@pytest.mark.parametrize(
    ("shape", "expected", "parameter"),
    [
        (ClientIdShape.HEX32, ID, ID),
        (ClientIdShape.T_28, f"t-{ID[:28]}", ID[:28]),
        (ClientIdShape.HEX_0X, f"0x{ID}", f"0x{ID}"),
        (ClientIdShape.UUID, "01234567-89ab-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"),
        (ClientIdShape.INT45, int(ID[:11], 16), int(ID[:11], 16)),
    ],
)
def test_our_id_is_shaped_for_a_venue(shape: ClientIdShape, expected: object, parameter: object) -> None:
    assert shape_client_order_id(ID, shape) == expected
    assert client_order_id_parameter(ID, shape) == parameter


def test_an_integer_id_fits_45_bits_and_is_never_zero() -> None:
    assert 0 < int(shape_client_order_id("f" * 32, ClientIdShape.INT45)) < 2**45
    assert shape_client_order_id("0" * 32, ClientIdShape.INT45) == 1


def test_secrets_and_signatures_are_scrubbed() -> None:
    text = f'x GET https://h/p?signature={"a" * 64}&b=1 {{"apiKey":"KKKK1", "sign": "zz"}} SSSS2 {"Q" * 44}'
    shown = scrub(text, ["KKKK1", "SSSS2"])
    assert "signature=" not in shown
    assert not [secret for secret in ("a" * 64, "KKKK1", "SSSS2", "zz", "Q" * 44) if secret in shown]
    assert "https://h/p" in shown
    assert HIDDEN in shown
    assert len(scrub("w " * 1000)) <= 301


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", None),
        ("<html>", None),
        ("[]", None),
        ('{"code": 0, "msg": "ok"}', None),
        ('{"code": "00000"}', None),
        ('{"status": "open", "id": 5}', None),
        ('{"retCode": 10001, "retMsg": "no"}', "10001"),
        ('{"error": []}', None),
        ('{"error": ["EOrder:Bad"]}', "EOrder:Bad"),
        ('{"code": "1", "data": [{"sCode": "51008", "sMsg": "no"}]}', "51008"),
        ('{"label": "BAD", "message": "no"}', "BAD"),
    ],
)
def test_a_venues_code_is_found_only_where_there_is_one(body: str, code: str | None) -> None:
    assert read_words(body).code == code


def trades(*times: int) -> list[dict[str, Any]]:
    return [{"id": str(moment), "timestamp": moment} for moment in times]


def test_fills_are_paged_forwards_until_nothing_is_new() -> None:
    everything = trades(*range(100, 175))
    pages = _Pages(lambda start, _: [trade for trade in everything if trade["timestamp"] >= start][:25])
    pages.follow(100, {})
    assert len(pages.trades) == 75


def test_fills_are_paged_backwards_on_venues_that_answer_newest_first() -> None:
    everything = trades(*range(100, 175))

    def ask(start: int, params: dict[str, Any]) -> list[dict[str, Any]]:
        within = [trade for trade in everything if start <= trade["timestamp"] <= params.get("until", 10**9)]
        return within[-25:]

    pages = _Pages(ask)
    pages.follow(100, {})
    assert len(pages.trades) == 75


def test_endless_pages_are_an_error_and_not_a_short_answer() -> None:
    def ask(start: int, _params: dict[str, Any]) -> list[dict[str, Any]]:
        return trades(*range(start, start + 25))

    with pytest.raises(ExchangeError, match="pages of fills"):
        _Pages(ask).follow(100, {})
