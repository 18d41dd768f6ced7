"""Which market a currency pair means."""

import pytest

from portal.trading.denials import Denial, DenialCode
from portal.trading.fields import FieldError
from portal.trading.instrument import Instrument
from portal.trading.symbols import Pair, parse_pair, resolve
from portal.trading.types import MarketType
from tests.trading.factories import inverse, linear, spot

SPOT, SWAP = MarketType.SPOT, MarketType.SWAP


def market(*instruments: Instrument) -> dict[str, Instrument]:
    return {instrument.symbol: instrument for instrument in instruments}


VENUE = market(spot(), linear(), inverse(), spot(symbol="LUNA/USDT", base="LUNA", active=False))


@pytest.mark.parametrize(
    ("pair", "market_type", "symbol"),
    [
        ("BTC/USDT", SPOT, "BTC/USDT"),
        (" btc/usdt ", SPOT, "BTC/USDT"),
        ("BTC/USDT", SWAP, "BTC/USDT:USDT"),
        ("BTC/USDT:USDT", SWAP, "BTC/USDT:USDT"),
        ("BTC/USD:BTC", SWAP, "BTC/USD:BTC"),
        ("BTC/USD", SWAP, "BTC/USD:BTC"),  # the only perpetual of this pair
    ],
)
def test_a_pair_finds_its_market(pair: str, market_type: MarketType, symbol: str) -> None:
    assert resolve(pair, market_type, VENUE) == VENUE[symbol]


@pytest.mark.parametrize(
    ("pair", "market_type", "code"),
    [
        ("XRP/USDT", SPOT, DenialCode.SYMBOL_UNKNOWN),
        ("BTC/USD", SPOT, DenialCode.SYMBOL_UNKNOWN),
        ("BTC/USDT:BTC", SWAP, DenialCode.SYMBOL_UNKNOWN),
        ("LUNA/USDT", SWAP, DenialCode.SYMBOL_UNKNOWN),
        ("nonsense", SPOT, DenialCode.SYMBOL_UNKNOWN),
        ("BTC/USDT:USDT", SPOT, DenialCode.MARKET_TYPE_MISMATCH),
        ("LUNA/USDT", SPOT, DenialCode.MARKET_INACTIVE),
    ],
)
def test_a_pair_without_a_usable_market_is_denied(
    pair: str, market_type: MarketType, code: DenialCode
) -> None:
    denial = resolve(pair, market_type, VENUE)
    assert isinstance(denial, Denial)
    assert denial.code is code
    assert pair.strip().split(":")[0] in denial.message


def test_two_perpetuals_of_which_none_is_settled_in_quote_are_ambiguous() -> None:
    venue = market(inverse(), inverse(symbol="BTC/USD:USDC", settle="USDC"))
    denial = resolve("BTC/USD", SWAP, venue)
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.SYMBOL_AMBIGUOUS
    assert "BTC/USD:BTC, BTC/USD:USDC" in denial.message
    assert resolve("BTC/USD:USDC", SWAP, venue) == venue["BTC/USD:USDC"]


def test_a_dead_exact_market_is_not_replaced_by_another_one() -> None:
    venue = market(linear(active=False), linear(symbol="BTC/USDT:USDC", settle="USDC"))
    denial = resolve("BTC/USDT", SWAP, venue)
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.MARKET_INACTIVE


@pytest.mark.parametrize(
    "value",
    ["", "BTCUSDT", "BTC-USDT", "BTC/", "/USDT", "BTC/BTC", "BTC/USDT:", "A/B/C", "B T/C", 3, None, "Ä/USDT"],
)
def test_a_pair_that_would_have_to_be_guessed_is_refused(value: object) -> None:
    with pytest.raises(FieldError, match="write BASE/QUOTE"):
        parse_pair(value)


def test_a_pair_without_settlement_covers_all_of_them() -> None:
    assert Pair("BTC", "USDT").covers(Pair("BTC", "USDT", "USDT"))
    assert Pair("BTC", "USDT").covers(Pair("BTC", "USDT"))
    assert not Pair("BTC", "USDT", "USDT").covers(Pair("BTC", "USDT"))
    assert not Pair("BTC", "USDT").covers(Pair("ETH", "USDT"))
