"""The ccxt adapter keeps the contract, over HTTP against the sandbox exchange, in both of its dialects."""

from decimal import Decimal
from typing import Any

import pytest

from portal.exchanges.base import Credentials, Exchange
from portal.exchanges.registry import ExchangeSpec, open_exchange
from portal.exchanges.sandbox.server import SandboxServer
from portal.trading.types import ConnectionMode, MarketType
from tests.exchanges.contract import ExchangeContract
from tests.exchanges.stand import TIMEOUT_SECONDS, Stand


def make_stand(venue: SandboxServer, name: str, symbol: str, market_type: MarketType) -> Stand:
    account = venue.control.create_account(
        balances={"USDT": Decimal(100_000), "BTC": Decimal(1)}, futures_balance=Decimal(100_000)
    )

    def reopen(base_url: str = venue.url, **credentials: Any) -> Exchange:
        return open_exchange(
            ExchangeSpec(
                exchange_name=name,
                mode=ConnectionMode.PAPER,
                credentials=Credentials({**account.credentials, **credentials}),
                base_url=base_url,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        )

    return Stand(reopen(), symbol, market_type, venue.control, account, reopen)


class TestSpot(ExchangeContract):
    @pytest.fixture
    def stand(self, venue: SandboxServer) -> Stand:
        return make_stand(venue, "sandbox", "BTC/USDT", MarketType.SPOT)


class TestUsdmFutures(ExchangeContract):
    @pytest.fixture
    def stand(self, venue: SandboxServer) -> Stand:
        return make_stand(venue, "sandboxusdm", "BTC/USDT:USDT", MarketType.SWAP)
