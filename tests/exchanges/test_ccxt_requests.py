"""What leaves for each venue of the table: our id in its field, the window in its place, the quantity as
quantity.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.types import MarginMode, OrderType, PositionMode, PositionSide, Side, TimeInForce
from tests.exchanges.captured import CLIENT_ORDER_ID, Sent, captured_exchange, made_up_request

ID = CLIENT_ORDER_ID
#: What ccxt asks some venues before the first order of a client.
PREPARATION = {
    "/v5/user/query-api": {"retCode": 0, "result": {"unified": 1, "uta": 1}},
    "/v5/account/info": {"retCode": 0, "result": {"unifiedMarginStatus": 6}},
    "/account/detail": {"key": {"mode": 1}},
    "/account/mode": {"code": "200000", "data": {"selfAccountMode": "CLASSIC"}},
    "/hf/accounts/opened": {"code": "200000", "data": True},
    "/v1/account/accounts": {"status": "ok", "data": [{"id": 1, "type": "spot", "state": "working"}]},
}

#: venue, swap, the text that must be in the request.
OUR_ID = [
    ("binance", False, f"newClientOrderId={ID}"),
    ("binance", True, f"newClientOrderId={ID}"),
    ("binanceusdm", True, f"newClientOrderId={ID}"),
    ("sandbox", False, f"newClientOrderId={ID}"),
    ("sandboxusdm", True, f"newClientOrderId={ID}"),
    ("bybit", False, f'"orderLinkId":"{ID}"'),
    ("bybit", True, f'"orderLinkId":"{ID}"'),
    ("okx", False, f'"clOrdId":"{ID}"'),
    ("okx", True, f'"clOrdId":"{ID}"'),
    ("kraken", False, f"cl_ord_id={ID}"),
    ("krakenfutures", True, f"cliOrdId={ID}"),
    ("kucoin", False, f'"clientOid":"{ID}"'),
    ("kucoin", True, f'"clientOid":"{ID}"'),
    ("kucoinfutures", True, f'"clientOid":"{ID}"'),
    ("coinbase", False, '"client_order_id":"01234567-89ab-cdef-0123-456789abcdef"'),
    ("gate", False, f'"text":"t-{ID[:28]}"'),
    ("gate", True, f'"text":"t-{ID[:28]}"'),
    ("bitget", False, f'"clientOid":"{ID}"'),
    ("bitget", True, f'"clientOid":"{ID}"'),
    ("mexc", False, f"newClientOrderId={ID}"),
    ("mexc", True, f'"externalOid":"{ID}"'),
    ("hyperliquid", False, f'"c":"0x{ID}"'),
    ("hyperliquid", True, f'"c":"0x{ID}"'),
    ("htx", False, f'"client-order-id":"{int(ID[:11], 16)}"'),
    ("htx", True, f'"client_order_id":{int(ID[:11], 16)}'),
    ("cryptocom", False, f'"client_oid":"{ID}"'),
    ("deribit", True, f"label={ID}"),
    ("bitfinex", False, f'"cid":{int(ID[:11], 16)}'),
    ("bingx", False, f"newClientOrderId={ID}"),
    ("bingx", True, f"clientOrderID={ID}"),
    ("phemex", True, f'"clOrdID":"{ID}"'),
]


def place(name: str, *, swap: bool = False, **changes: Any) -> tuple[Sent, ExchangeError]:
    """The order request that went out, and what the adapter made of the silence that followed."""
    exchange, wire = captured_exchange(name, swap=swap)
    wire.answers = PREPARATION
    error = refuse(exchange, **changes)
    assert error.outcome is Outcome.UNKNOWN, error
    return wire.sent[-1], error


def refuse(exchange: CcxtExchange, **changes: Any) -> ExchangeError:
    [symbol] = exchange.instruments()
    with pytest.raises(ExchangeError) as caught:
        exchange.place_order(made_up_request(symbol, **{"quantity": Decimal(2), **changes}))
    return caught.value


@pytest.mark.parametrize(("name", "swap", "expected"), OUR_ID)
def test_our_id_travels_in_the_field_of_the_venue(name: str, swap: bool, expected: str) -> None:
    sent, _ = place(name, swap=swap)
    assert expected in sent.text


def test_the_window_travels_as_the_venue_wants_it() -> None:
    sent_at = datetime.now(UTC).replace(microsecond=123000)
    window = {"sent_at": sent_at, "not_after": sent_at + timedelta(seconds=30)}
    starts, ends = int(sent_at.timestamp() * 1000), int(sent_at.timestamp() * 1000) + 30_000
    deadline = (sent_at + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    expected = {
        ("binance", False): (f"timestamp={starts}", "recvWindow=30000"),
        ("binanceusdm", True): (f"timestamp={starts}", "recvWindow=30000"),
        ("bybit", False): (f'"X-BAPI-TIMESTAMP": "{starts}"', '"X-BAPI-RECV-WINDOW": "30000"'),
        ("okx", False): (f'"expTime": "{ends}"',),
        ("okx", True): (f'"expTime": "{ends}"',),
        ("gate", False): (f'"x-gate-exptime": "{ends}"',),
        ("gate", True): (f'"x-gate-exptime": "{ends}"',),
        ("kraken", False): (f"deadline={deadline}",),
        ("krakenfutures", True): (f"processBefore={ends}",),
        ("kucoin", False): (f'"KC-API-TIMESTAMP": "{starts}"',),
        ("mexc", False): (f"timestamp={starts}", "recvWindow=30000"),
        ("deribit", True): (f"valid_until={ends}",),
    }
    for (name, swap), texts in expected.items():
        sent, _ = place(name, swap=swap, **window)
        assert all(text in sent.text for text in texts), (name, sent.text)


def test_the_window_follows_the_venues_clock() -> None:
    sent_at = datetime.now(UTC).replace(microsecond=0)
    exchange, wire = captured_exchange("binance")
    exchange.session.markets._clock_offset_ms = 2_500
    refuse(exchange, sent_at=sent_at, not_after=sent_at + timedelta(seconds=5))
    assert f"timestamp={int(sent_at.timestamp() * 1000) - 2_500}" in wire.sent[-1].text


@pytest.mark.parametrize("name", ["bybit", "kucoin", "mexc", "okx", "gate"])
def test_the_client_is_as_before_after_an_order(name: str) -> None:
    exchange, wire = captured_exchange(name)
    wire.answers = PREPARATION
    client = exchange.session.client
    before = (client.options.get("recvWindow"), dict(client.headers), "nonce" in vars(client))
    refuse(exchange)
    assert (client.options.get("recvWindow"), dict(client.headers), "nonce" in vars(client)) == before


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binance", "quantity=2"),
        ("bybit", '"marketUnit":"baseCoin","qty":"2"'),
        ("okx", '"sz":"2","tdMode":"cash","tgtCcy":"base_ccy"'),
        ("kraken", "volume=2"),
        ("kucoin", '"size":"2"'),
        ("mexc", "quantity=2"),
    ],
)
def test_a_market_buy_is_sized_in_base(name: str, expected: str) -> None:
    sent, _ = place(name, order_type=OrderType.MARKET, price=None)
    assert expected in sent.text
    assert "quoteOrderQty" not in sent.text


@pytest.mark.parametrize("name", ["coinbase", "gate", "bitget", "htx", "cryptocom", "hyperliquid"])
def test_a_market_buy_where_the_venue_sizes_by_cost_is_refused_and_not_sent(name: str) -> None:
    exchange, wire = captured_exchange(name)
    error = refuse(exchange, order_type=OrderType.MARKET, price=None)
    assert (error.code, error.outcome) == (ErrorCode.UNSUPPORTED, Outcome.NOT_PLACED)
    assert exchange.capabilities.market_buy_needs_price
    assert not wire.sent


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("coinbase", ('"sor_limit_ioc"', '"base_size":"2"', '"limit_price":"30000"')),
        ("gate", ('"type":"limit"', '"amount":"2"', '"time_in_force":"ioc"')),
        ("bitget", ('"orderType":"limit"', '"size":"2"', '"force":"IOC"')),
        ("htx", ('"type":"buy-ioc"', '"amount":"2"', '"price":"30000"')),
        ("hyperliquid", ('"p":"30000"', '"s":"2"', '"tif":"Ioc"')),
    ],
)
def test_a_market_buy_with_a_worst_price_becomes_an_immediate_or_cancel_limit_order(
    name: str, texts: tuple[str, ...]
) -> None:
    sent, _ = place(name, order_type=OrderType.MARKET)
    assert all(text in sent.text for text in texts), sent.text


def test_a_market_sell_keeps_its_type_where_only_buys_are_sized_by_cost() -> None:
    sent, _ = place("gate", order_type=OrderType.MARKET, side=Side.SELL, price=None)
    assert '"type":"market"' in sent.text
    assert '"amount":"2"' in sent.text


def test_a_worst_price_on_a_market_order_never_becomes_a_cost() -> None:
    for name in ("binance", "bybit", "okx", "mexc", "kucoin"):
        sent, _ = place(name, order_type=OrderType.MARKET)
        told = sent.text.replace("recvWindow=60000", "").replace('RECV-WINDOW": "60000', "")
        assert not re.search(r"(?<!\d)60000(?!\d)", told), name


@pytest.mark.parametrize(
    ("name", "swap", "expected"),
    [
        ("binance", False, "timeInForce=IOC"),
        ("bybit", True, '"timeInForce":"IOC"'),
        ("okx", False, '"ordType":"ioc"'),
        ("kraken", False, "timeinforce=IOC"),
    ],
)
def test_immediate_or_cancel_reaches_the_venue(name: str, swap: bool, expected: str) -> None:
    sent, _ = place(name, swap=swap, time_in_force=TimeInForce.IOC)
    assert expected in sent.text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binanceusdm", "reduceOnly=true"),
        ("bybit", '"reduceOnly":true'),
        ("okx", '"reduceOnly":true'),
        ("gate", '"reduce_only":true'),
        ("bitget", '"reduceOnly":"YES"'),
        ("hyperliquid", '"r":true'),
        ("kucoin", '"reduceOnly":true'),
    ],
)
def test_reduce_only_reaches_the_venue(name: str, expected: str) -> None:
    sent, _ = place(name, swap=True, reduce_only=True)
    assert expected in sent.text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binanceusdm", "positionSide=SHORT"),
        ("bybit", '"positionIdx":2'),
        ("okx", '"posSide":"short"'),
        ("bitget", '"tradeSide":"Close"'),
    ],
)
def test_closing_a_short_in_hedge_mode_names_the_position(name: str, expected: str) -> None:
    sent, _ = place(
        name,
        swap=True,
        reduce_only=True,
        position_mode=PositionMode.HEDGE,
        position_side=PositionSide.SHORT,
    )
    assert expected in sent.text


def test_hedge_mode_is_refused_where_it_is_not_known() -> None:
    exchange, wire = captured_exchange("kucoin", swap=True)
    hedge = {"position_mode": PositionMode.HEDGE, "position_side": PositionSide.LONG}
    assert refuse(exchange, **hedge).code is ErrorCode.UNSUPPORTED
    assert not wire.sent


@pytest.mark.parametrize(
    ("name", "swap", "expected"),
    [
        ("binance", False, "stopPrice=29000"),
        ("binanceusdm", True, "triggerPrice=29000"),
        ("bybit", True, '"triggerPrice":"29000"'),
        ("okx", True, '"triggerPx":"29000"'),
        ("gate", True, '"price":"29000"'),
        ("bitget", True, '"triggerPrice":"29000"'),
    ],
)
def test_a_stop_order_carries_its_trigger(name: str, swap: bool, expected: str) -> None:
    stop = {"order_type": OrderType.STOP, "side": Side.SELL, "price": None, "trigger_price": Decimal(29000)}
    sent, _ = place(name, swap=swap, **stop)
    assert expected in sent.text


@pytest.mark.parametrize(
    ("name", "swap", "expected"),
    [
        ("binance", False, "type=TAKE_PROFIT"),
        ("binanceusdm", True, "type=TAKE_PROFIT_MARKET"),
        ("bybit", True, '"triggerDirection":1'),
        ("okx", True, '"tpTriggerPx":"31000"'),
        ("gate", True, '"rule":1'),
    ],
)
def test_an_order_that_takes_profit_triggers_on_a_gain(name: str, swap: bool, expected: str) -> None:
    target = {"order_type": OrderType.STOP, "side": Side.SELL, "price": None, "trigger_price": Decimal(31000)}
    sent, _ = place(name, swap=swap, takes_profit=True, **target)
    assert expected in sent.text


def test_the_margin_mode_travels_with_the_order_where_the_venue_wants_it() -> None:
    sent, _ = place("okx", swap=True, margin_mode=MarginMode.ISOLATED)
    assert '"tdMode":"isolated"' in sent.text


def test_no_builder_fee_is_signed_in_the_accounts_name() -> None:
    for swap in (False, True):
        exchange, wire = captured_exchange("hyperliquid", swap=swap)
        refuse(exchange)
        assert len(wire.sent) == 1
        assert "builder" not in wire.sent[0].text.lower()
        assert "setReferrer" not in wire.sent[0].text


@pytest.mark.parametrize(("name", "swap"), sorted({(name, swap) for name, swap, _ in OUR_ID}))
def test_an_acknowledgement_without_an_id_is_unknown(name: str, swap: bool) -> None:
    exchange, wire = captured_exchange(name, swap=swap)
    for answer in ({}, [], "", "<html>busy</html>", {"code": "0", "data": []}):
        wire.answers = {**PREPARATION, "": answer}
        assert refuse(exchange).outcome is Outcome.UNKNOWN


def test_the_clock_is_never_asked_while_an_order_is_being_placed() -> None:
    exchange, wire = captured_exchange("binance")
    refuse(exchange)
    assert [sent.method for sent in wire.sent] == ["POST"]
