"""What TradingView alerts say, as pure text in and data out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.api.alerts import read_alert, to_signal
from portal.api.tickers import TickerError, read_ticker
from portal.errors import ValidationError

BUY = {"currency_pair": "BTC/USDT", "direction": "buy"}


@pytest.mark.parametrize(
    "body",
    [
        "symbol=BTCUSDT\nside=buy",
        "symbol=BTCUSDT\r\nside=BUY\r\n",
        "symbol=BTCUSDT;side=buy",
        "symbol=BTCUSDT, side=buy",
        "TICKER = BINANCE:BTCUSDT\nAction = Buy",
        "pair=BTC/USDT\ndirection=buy\ninterval=15\nclose=64000\nexchange=BINANCE",
        '{"symbol": "BTCUSDT", "side": "buy"}',
        ' \n{"Ticker": "BYBIT:BTCUSDT", "ACTION": "buy", "volume": 12.5, "strategy": {"name": "x"}}',
        "symbol=BTC-USDT\nside=buy",
        "currency pair=BTC_USDT\nside=buy",
    ],
)
def test_alert_in_any_usual_form_means_the_same_signal(body: str) -> None:
    assert to_signal(read_alert(body.encode())) == BUY


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("action=close", {"action": "close"}),
        ("action=OPEN", {"action": "open"}),
        ("order=Limit\nprice=64000", {"order_type": "limit", "open_price": "64000"}),
        ("type=stop\nopen_price=64000", {"order_type": "stop", "open_price": "64000"}),
        ("stop=60000", {"sl": "60000"}),
        ("stop_loss=60000", {"sl": "60000"}),
        ("Stop-Loss=60000", {"sl": "60000"}),
        ("take_profit=70000", {"tp": "70000"}),
        ("tp=70000,71000", {"tp": ["70000", "71000"]}),
        ("tp1=70000\ntp2=71000\ntp3=72000", {"tp": ["70000", "71000", "72000"]}),
        ("tp2=71000\ntp1=70000", {"tp": ["70000", "71000"]}),
        ("id=a1", {"dedupe_key": "a1"}),
        ("alert_id=a1", {"dedupe_key": "a1"}),
        ("tif=ioc", {"time_in_force": "IOC"}),
        ("time_in_force=GTC", {"time_in_force": "gtc"}),
        ("plans=Gold", {"plans": ["Gold"]}),
        ("plans=Gold,Silver", {"plans": ["Gold", "Silver"]}),
        ("publish=false", {"publish": False}),
        ("time=2026-01-01T00:00:00Z\ntimenow=2026-01-01T00:00:01Z", {}),
    ],
)
def test_alert_words_mean_fields_of_a_signal(line: str, expected: dict[str, Any]) -> None:
    alert = read_alert(f"symbol=BTCUSDT\nside=buy\n{line}".encode())
    assert to_signal(alert) == BUY | expected


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("quantity=1", "quantity", "preset"),
        ("contracts=2", "contracts", "preset"),
        ("colour=red", "colour", "known are"),
        ("symbol=ETHUSDT", "symbol", "twice"),
        ("ticker=ETHUSDT", "ticker", "symbol"),
        ("action=sell", "action", "side"),
        ("tp=1\ntp1=2", "tp", "tp1"),
        ("stop=1\nsl=2", "sl", "stop"),
    ],
)
def test_alert_that_says_too_much_is_refused_at_that_name(line: str, field: str, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        to_signal(read_alert(f"symbol=BTCUSDT\nside=buy\n{line}".encode()))
    assert list(refused.value.errors) == [field]
    assert words in refused.value.errors[field]


@pytest.mark.parametrize(
    ("text", "pair", "is_swap"),
    [
        ("BTCUSDT", "BTC/USDT", False),
        ("btcusdt", "BTC/USDT", False),
        ("BINANCE:BTCUSDT", "BTC/USDT", False),
        ("BINANCE:BTCUSDT.P", "BTC/USDT", True),
        ("BTCUSDC", "BTC/USDC", False),
        ("COINBASE:BTCUSD", "BTC/USD", False),
        ("KRAKEN:XBTEUR", "XBT/EUR", False),
        ("ETHBTC", "ETH/BTC", False),
        ("FX:EURUSD", "EUR/USD", False),
        ("USDJPY", "USD/JPY", False),
        ("BTCBUSD", "BTC/BUSD", False),
        ("ETHFDUSD", "ETH/FDUSD", False),
        ("WUSDT", "W/USDT", False),
        ("1000PEPEUSDT.P", "1000PEPE/USDT", True),
        ("USDCUSDT", "USDC/USDT", False),
        ("BTC/USDT", "BTC/USDT", False),
        ("BTC/USDT:USDT", "BTC/USDT:USDT", False),
        ("BYBIT:BTC/USDT", "BTC/USDT", False),
    ],
)
def test_ticker_is_read_as_a_pair(text: str, pair: str, is_swap: bool) -> None:
    assert read_ticker(text) == (pair, is_swap)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FOOBUSD", "FOO/BUSD or FOOB/USD"),
        ("USDT", "quote currency"),
        ("AAPL", "quote currency"),
        ("", "BTC/USDT"),
        ("BTC USDT", "BTC/USDT"),
        ("BTC/", "BTC/USDT"),
        ("BTC-USDT-SWAP", "BTC/USDT"),
        ("A" * 100 + "USDT", "too long"),
        ("{{ticker}}", "BTC/USDT"),
    ],
)
def test_ticker_that_is_unclear_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(TickerError) as refused:
        read_ticker(text)
    assert words in str(refused.value)


def test_swap_ticker_sets_the_market_and_contradicts_spot() -> None:
    swap = to_signal(read_alert(b"symbol=BTCUSDT.P\nside=buy"))
    assert swap == BUY | {"market_type": "swap"}
    with pytest.raises(ValidationError) as refused:
        to_signal(read_alert(b"symbol=BTCUSDT.P\nside=buy\nmarket_type=spot"))
    assert list(refused.value.errors) == ["market_type"]


@given(st.binary(max_size=300))
def test_reading_any_bytes_ends_in_data_or_in_a_reason(body: bytes) -> None:
    try:
        data = to_signal(read_alert(body))
    except ValidationError as error:
        assert error.errors
    else:
        assert isinstance(data, dict)


@given(
    st.dictionaries(
        st.text(max_size=12),
        st.text(max_size=20) | st.integers() | st.none() | st.lists(st.text()),
        max_size=6,
    )
)
def test_translating_any_alert_ends_in_data_or_in_a_reason(alert: dict[str, Any]) -> None:
    try:
        data = to_signal(alert)
    except ValidationError as error:
        assert error.errors
    else:
        assert isinstance(data, dict)
