"""EX-50 to EX-58: what the account holds, what things cost, and what was filled."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.exchanges.errors import ExchangeError
from portal.trading.instrument import Instrument
from portal.trading.types import MarketType
from tests.exchanges.stand import Stand


class AccountCases:
    def test_ex50_every_instrument_has_a_usable_grid(self, stand: Stand) -> None:
        instruments = stand.exchange.instruments()
        instrument = instruments[stand.symbol]
        assert instrument.market_type is stand.market_type
        assert instrument.min_notional is not None
        assert instrument.floor_quantity(stand.quantity) == stand.quantity
        assert all(isinstance(found, Instrument) and found.tick_size > 0 for found in instruments.values())

    def test_ex51_balances_tell_free_from_total(self, stand: Stand) -> None:
        before = stand.exchange.balances(stand.market_type)["USDT"]
        stand.place(stand.resting())
        after = stand.exchange.balances(stand.market_type)["USDT"]
        assert before.free == before.total == Decimal(100_000)
        assert after.free < after.total == before.total

    def test_ex52_many_tickers_take_one_request_and_have_sane_prices(self, stand: Stand) -> None:
        symbols = list(stand.exchange.instruments())[:8]
        before = stand.control.requests()["by_endpoint"].get("ticker", 0)
        tickers = stand.exchange.tickers(symbols)
        assert stand.control.requests()["by_endpoint"]["ticker"] - before == 1
        assert set(tickers) == set(symbols)
        for ticker in tickers.values():
            assert ticker.bid is not None
            assert ticker.ask is not None
            assert 0 < ticker.bid <= ticker.ask

    def test_ex52_second_look_says_the_same_by_other_routes(self, stand: Stand) -> None:
        symbols = list(stand.exchange.instruments())[:8]
        before = stand.control.requests()["by_endpoint"].get("depth", 0)
        for asked in (symbols[:2], symbols):
            first, second = stand.exchange.tickers(asked), stand.exchange.second_look(asked)
            assert set(second) == set(asked)
            for symbol, look in second.items():
                assert look.last is not None
                assert look.bid is not None and look.ask is not None
                assert abs(look.bid - (first[symbol].bid or 0)) <= look.bid / 100
                assert abs(look.last - look.bid) <= look.bid / 100
        books = stand.control.requests()["by_endpoint"]["depth"] - before
        assert books == 2, "order books of a few, best prices of many"
        assert stand.exchange.second_look(["NONE/SUCH"]) == {}

    def test_ex53_fills_carry_the_venues_id_the_fee_and_its_currency(self, stand: Stand) -> None:
        request = stand.request()
        report = stand.place(request)
        fills = stand.exchange.fills(stand.symbol, request.sent_at - timedelta(minutes=1))
        assert sum(fill.quantity for fill in fills) == stand.quantity
        assert {fill.exchange_order_id for fill in fills} == {report.exchange_order_id}
        currency = "BTC" if stand.market_type is MarketType.SPOT else "USDT"
        assert all(fee.currency == currency and fee.cost > 0 for fill in fills for fee in fill.fees)
        assert all(fill.fees for fill in fills)
        ledger_ids = {str(fill["trade_id"]) for fill in stand.control.fills(account=stand.account.name)}
        assert {fill.exchange_fill_id for fill in fills} == ledger_ids

    def test_ex54_fills_of_one_order_leave_the_others_out(self, stand: Stand) -> None:
        first, second = stand.request(), stand.request()
        stand.place(first)
        wanted = stand.place(second)
        since = first.sent_at - timedelta(minutes=1)
        fills = stand.exchange.fills(stand.symbol, since, wanted.exchange_order_id)
        assert {fill.exchange_order_id for fill in fills} == {wanted.exchange_order_id}
        assert len({fill.exchange_order_id for fill in stand.exchange.fills(stand.symbol, since)}) == 2

    def test_ex55_fills_are_the_same_however_often_they_are_read(self, stand: Stand) -> None:
        request = stand.request()
        stand.place(request)
        since = request.sent_at - timedelta(minutes=1)
        assert stand.exchange.fills(stand.symbol, since) == stand.exchange.fills(stand.symbol, since)

    def test_ex56_account_facts_tell_what_the_key_may_do(self, stand: Stand) -> None:
        stand.control.update_account(stand.account.name, can_withdraw=True, ip_restricted=False)
        facts = stand.exchange.account_facts()
        assert (facts.can_withdraw, facts.ip_restricted) == (True, False)
        assert facts.clock_offset_ms is not None
        assert {balance.currency for balance in facts.balances} >= {"USDT"}

    def test_ex57_a_read_that_fails_raises_and_never_answers_empty(self, stand: Stand) -> None:
        stand.exchange.instruments()
        for kind in ("http_before", "close_before_accept"):
            stand.fault(kind, "*", count=1)
            with pytest.raises(ExchangeError):
                stand.exchange.balances(stand.market_type)

    @pytest.mark.parametrize("kind", ["empty_200", "garbage_200"])
    def test_ex58_a_spoilt_read_raises_and_never_answers_empty(self, stand: Stand, kind: str) -> None:
        stand.exchange.instruments()
        stand.fault(kind, "*", count=99)
        with pytest.raises(ExchangeError):
            stand.exchange.balances(stand.market_type)
        with pytest.raises(ExchangeError):
            stand.exchange.open_orders(stand.symbol)
        with pytest.raises(ExchangeError):
            stand.exchange.fills(stand.symbol, stand.request().sent_at)
