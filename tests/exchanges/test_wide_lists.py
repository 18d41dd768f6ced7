"""What the table of lists over all markets asks for really leaves as a request that names no market."""

import pytest

from portal.exchanges.ccxt_listing import all_open_orders
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.exchanges.venues_table import listed_venues, venue
from portal.exchanges.wide_lists import requests_for
from portal.trading.types import MarketType
from tests.exchanges.setups import prepared_exchange

ROWS = [
    (name, kind)
    for name in listed_venues()
    if not name.startswith("sandbox")
    for kind in MarketType
    if requests_for(venue(name), kind)
]
#: Part of the path, by exchange: the endpoint that ccxt's source names for it.
PATHS = {
    ("binance", MarketType.SPOT): ("/api/v3/openOrders",),
    ("binance", MarketType.SWAP): ("/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"),
    ("binanceusdm", MarketType.SWAP): ("/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"),
    ("binancecoinm", MarketType.SWAP): ("/dapi/v1/openOrders", "/dapi/v1/openAlgoOrders"),
    ("binanceus", MarketType.SPOT): ("/api/v3/openOrders",),
    ("kraken", MarketType.SPOT): ("/0/private/OpenOrders",),
    ("krakenfutures", MarketType.SWAP): ("/api/v3/openorders",),
    ("hyperliquid", MarketType.SPOT): ("/info",),
    ("hyperliquid", MarketType.SWAP): ("/info",),
}
_OKX = ("/trade/orders-pending", *["/trade/orders-algo-pending"] * 3)
_BYBIT = {MarketType.SPOT: 2, MarketType.SWAP: 4}


def expected(name: str, kind: MarketType) -> tuple[str, ...]:
    if name.startswith("bybit"):
        return ("/v5/order/realtime",) * _BYBIT[kind]
    return PATHS.get((name, kind), _OKX)


@pytest.mark.parametrize(("name", "kind"), ROWS, ids=str)
def test_list_over_all_markets_leaves_as_a_request_that_names_none(name: str, kind: MarketType) -> None:
    paths = []
    for params in requests_for(venue(name), kind):
        prepared = prepared_exchange(name, swap=kind is MarketType.SWAP)
        assert prepared is not None
        exchange, wire = prepared
        with pytest.raises(ExchangeError) as error:
            exchange.session.read("fetch_open_orders", None, None, None, dict(params))
        assert error.value.code is ErrorCode.TIMEOUT, "it was sent, and nothing answered"
        sent = wire.sent[-1]
        assert "BTC" not in sent.text
        paths.append(sent.url.partition("?")[0])
    assert [tail for tail, path in zip(expected(name, kind), paths, strict=True) if path.endswith(tail)] == [
        *expected(name, kind)
    ]


def test_exchange_without_such_a_list_says_so_and_asks_nothing() -> None:
    prepared = prepared_exchange("deribit", swap=True)
    assert prepared is not None
    exchange, wire = prepared
    with pytest.raises(ExchangeError) as error:
        all_open_orders(exchange.session, MarketType.SWAP)
    assert (error.value.code, wire.sent) == (ErrorCode.UNSUPPORTED, [])
