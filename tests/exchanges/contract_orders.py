"""EX-01 to EX-19 and EX-60 to EX-62: orders that go well, or are refused in so many words."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.exchanges.base import IdentityClass
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.types import (
    MarginMode,
    MarketType,
    OrderState,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
)
from tests.exchanges.stand import Stand, ref


class OrderCases:
    def test_ex01_a_market_buy_fills_and_is_acknowledged_under_our_id(self, stand: Stand) -> None:
        request = stand.request()
        report = stand.place(request)
        [accepted] = stand.ledger(request)
        assert report.exchange_order_id == str(accepted.order_id)
        assert (report.state, report.filled_quantity) == (OrderState.FILLED, stand.quantity)
        assert (report.client_order_id, report.symbol, report.side) == (
            request.client_order_id,
            stand.symbol,
            Side.BUY,
        )
        assert report.average_price is not None

    def test_ex02_a_market_buy_is_sized_in_base_and_not_in_money(self, stand: Stand) -> None:
        request = stand.request()
        stand.place(request)
        [accepted] = stand.ledger(request)
        assert accepted.filled_quantity == stand.quantity

    def test_ex03_a_market_sell_fills(self, stand: Stand) -> None:
        request = stand.request(side=Side.SELL)
        assert stand.place(request).state is OrderState.FILLED
        assert [order.side.lower() for order in stand.ledger(request)] == ["sell"]

    def test_ex04_a_limit_order_away_from_the_market_rests_open(self, stand: Stand) -> None:
        request = stand.resting()
        report = stand.place(request)
        assert (report.state, report.filled_quantity, report.price) == (OrderState.OPEN, 0, request.price)
        assert [order.exchange_order_id for order in stand.exchange.open_orders(stand.symbol)] == [
            report.exchange_order_id
        ]

    def test_ex05_a_canceled_order_is_reported_canceled_and_canceling_again_succeeds(
        self, stand: Stand
    ) -> None:
        request = stand.resting()
        report = stand.place(request)
        known = ref(request, exchange_order_id=report.exchange_order_id)
        stand.exchange.cancel_order(known)
        stand.exchange.cancel_order(known)
        found = stand.exchange.find_order(known).report
        assert found is not None
        assert found.state is OrderState.CANCELED
        assert not stand.exchange.open_orders(stand.symbol)

    def test_ex06_an_order_is_canceled_by_our_id_alone(self, stand: Stand) -> None:
        request = stand.resting()
        stand.place(request)
        stand.exchange.cancel_order(ref(request))
        assert [order.status for order in stand.ledger(request)] == ["CANCELED"]

    def test_ex07_an_immediate_or_cancel_order_keeps_what_filled_and_drops_the_rest(
        self, stand: Stand
    ) -> None:
        stand.fault("partial_fill", fraction="0.5")
        request = stand.request(
            order_type=OrderType.LIMIT, price=stand.price("1.01"), time_in_force=TimeInForce.IOC
        )
        report = stand.place(request)
        assert report.state in (OrderState.CANCELED, OrderState.EXPIRED)
        assert report.filled_quantity == stand.quantity / 2

    def test_ex08_a_fill_or_kill_order_that_cannot_fill_leaves_nothing(self, stand: Stand) -> None:
        request = stand.resting(time_in_force=TimeInForce.FOK)
        try:
            report = stand.place(request)
        except ExchangeError as error:  # some venues refuse it, others accept it and let it end
            assert (error.code, error.outcome) == (ErrorCode.INVALID_ORDER, Outcome.NOT_PLACED)
        else:
            assert report.state in (OrderState.CANCELED, OrderState.EXPIRED)
            assert report.filled_quantity == 0
        assert not stand.exchange.open_orders(stand.symbol)
        assert not stand.exchange.fills(stand.symbol, request.sent_at - timedelta(minutes=1))

    def test_ex09_a_partly_filled_order_is_open_with_its_fills(self, stand: Stand) -> None:
        stand.fault("partial_fill", fraction="0.5")
        request = stand.request(order_type=OrderType.LIMIT, price=stand.price("1.01"))
        report = stand.place(request)
        assert report.state is OrderState.PARTIALLY_FILLED
        fills = stand.exchange.fills(stand.symbol, request.sent_at - timedelta(minutes=1))
        assert sum(fill.quantity for fill in fills) == report.filled_quantity == stand.quantity / 2

    def test_ex10_a_stop_order_waits_at_its_trigger_and_can_be_canceled(self, stand: Stand) -> None:
        assert stand.exchange.capabilities.native_stop
        stand.place(stand.request())
        trigger = stand.price("0.95")
        swap = stand.market_type is MarketType.SWAP
        request = stand.request(
            order_type=OrderType.STOP, side=Side.SELL, trigger_price=trigger, reduce_only=swap
        )
        waiting = stand.place(request)
        assert (waiting.state, waiting.trigger_price) == (OrderState.OPEN, trigger)
        open_orders = stand.exchange.open_orders(stand.symbol)
        assert [order.exchange_order_id for order in open_orders] == [waiting.exchange_order_id]
        known = ref(request, trigger=True, exchange_order_id=waiting.exchange_order_id)
        stand.exchange.cancel_order(known)
        found = stand.exchange.find_order(known).report
        assert found is not None
        assert found.state is OrderState.CANCELED

    def test_ex11_an_order_beyond_the_balance_is_not_placed_and_carries_the_venues_code(
        self, stand: Stand
    ) -> None:
        request = stand.request(quantity=Decimal(90))
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        assert (caught.value.outcome, caught.value.code) == (Outcome.NOT_PLACED, ErrorCode.INSUFFICIENT_FUNDS)
        assert caught.value.venue_code
        assert not stand.ledger()

    def test_ex12_the_same_id_while_the_first_is_open_is_unknown_and_placed_once(self, stand: Stand) -> None:
        refusing = (IdentityClass.REFUSED_WHILE_OPEN, IdentityClass.REFUSED_FOR_EVER)
        assert stand.exchange.capabilities.identity in refusing
        request = stand.resting()
        stand.place(request)
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        assert (caught.value.outcome, caught.value.code) == (
            Outcome.UNKNOWN,
            ErrorCode.DUPLICATE_CLIENT_ORDER_ID,
        )
        assert len(stand.ledger(request)) == 1

    def test_ex13_an_order_below_the_venues_minimum_is_refused_with_its_code(self, stand: Stand) -> None:
        with pytest.raises(ExchangeError) as caught:
            stand.place(stand.request(order_type=OrderType.LIMIT, price=Decimal(1)))
        assert (caught.value.outcome, bool(caught.value.venue_code)) == (Outcome.NOT_PLACED, True)
        assert not stand.ledger()

    def test_ex14_an_unknown_symbol_is_not_placed_and_nothing_is_sent(self, stand: Stand) -> None:
        with pytest.raises(ExchangeError) as caught:
            stand.place(stand.request(symbol="NOPE/USDT"))
        assert caught.value.outcome is Outcome.NOT_PLACED
        assert stand.requests("order") == 0

    def test_ex15_after_its_window_an_order_is_not_sent_at_all(self, stand: Stand) -> None:
        stand.exchange.instruments()
        request = stand.request()
        late = stand.request(
            sent_at=request.sent_at - timedelta(seconds=6), not_after=request.sent_at - timedelta(seconds=1)
        )
        with pytest.raises(ExchangeError) as caught:
            stand.place(late)
        assert (caught.value.code, caught.value.outcome) == (ErrorCode.WINDOW_PASSED, Outcome.NOT_PLACED)
        assert stand.requests("order") == 0

    def test_ex16_a_request_that_arrives_after_its_window_is_refused_by_the_venue(self, stand: Stand) -> None:
        assert stand.exchange.capabilities.request_window
        request = stand.request()
        stand.exchange.balances(stand.market_type)
        stand.fault("delay", seconds=0.45)
        request = stand.request()
        with pytest.raises(ExchangeError) as caught:
            stand.place(stand.request(not_after=request.sent_at + timedelta(seconds=0.2)))
        assert (caught.value.code, caught.value.outcome) == (
            ErrorCode.CLOCK_OUTSIDE_WINDOW,
            Outcome.NOT_PLACED,
        )
        assert not stand.ledger()

    def test_ex17_a_reduce_only_order_never_opens_a_position(self, stand: Stand) -> None:
        request = stand.request(side=Side.SELL, reduce_only=True)
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        swap = stand.market_type is MarketType.SWAP
        expected = ErrorCode.WOULD_NOT_REDUCE if swap else ErrorCode.UNSUPPORTED
        assert (caught.value.code, caught.value.outcome) == (expected, Outcome.NOT_PLACED)
        assert not stand.ledger()

    def test_ex18_a_position_is_reported_and_a_flat_account_has_none(self, stand: Stand) -> None:
        if stand.market_type is MarketType.SPOT:
            assert MarketType.SWAP not in stand.exchange.capabilities.market_types
            return
        assert not stand.exchange.positions([stand.symbol])
        stand.place(stand.request())
        [position] = stand.exchange.positions([stand.symbol])
        assert (position.position_side, position.quantity) == (PositionSide.LONG, stand.quantity)
        stand.place(stand.request(side=Side.SELL, reduce_only=True))
        assert not stand.exchange.positions([stand.symbol])

    def test_ex19_leverage_is_set_before_the_order_and_once(self, stand: Stand) -> None:
        if stand.market_type is MarketType.SPOT:
            with pytest.raises(ExchangeError) as caught:
                stand.place(stand.request(leverage=Decimal(3)))
            assert caught.value.outcome is Outcome.NOT_PLACED
            assert not stand.ledger()
            return
        stand.place(stand.request(leverage=Decimal(3)))
        stand.place(stand.request(leverage=Decimal(3)))
        assert stand.requests("settings") == 1
        assert len(stand.ledger()) == 2

    def test_ex60_a_stop_order_fires_when_the_price_reaches_its_trigger(self, stand: Stand) -> None:
        stand.symbol = stand.symbol.replace("BTC", "ETH")
        before = stand.control.prices()["ETHUSDT"]
        stand.place(stand.request(quantity=Decimal("0.1")))
        request = stand.request(
            order_type=OrderType.STOP,
            side=Side.SELL,
            quantity=Decimal("0.05"),
            trigger_price=stand.price("0.97"),
            reduce_only=stand.market_type is MarketType.SWAP,
        )
        stand.place(request)
        stand.control.set_price("ETHUSDT", before * Decimal("0.95"))
        try:
            fills = stand.exchange.fills(stand.symbol, request.sent_at - timedelta(minutes=1))
            assert [(fill.side, fill.quantity) for fill in fills][-1] == (Side.SELL, Decimal("0.05"))
            assert not stand.exchange.open_orders(stand.symbol)
        finally:
            stand.control.set_price("ETHUSDT", before)

    def test_ex61_a_margin_mode_that_is_set_already_is_no_obstacle(self, stand: Stand) -> None:
        if stand.market_type is MarketType.SPOT:
            with pytest.raises(ExchangeError) as caught:
                stand.place(stand.request(margin_mode=MarginMode.ISOLATED))
            assert caught.value.outcome is Outcome.NOT_PLACED
            assert not stand.ledger()
            return
        isolated = {"margin_mode": MarginMode.ISOLATED, "leverage": Decimal(2)}
        stand.place(stand.request(**isolated))
        stand.reopen().place_order(stand.request(**isolated))
        assert len(stand.ledger()) == 2

    def test_ex62_when_leverage_cannot_be_set_the_order_is_not_sent(self, stand: Stand) -> None:
        if stand.market_type is MarketType.SPOT:
            return
        stand.exchange.instruments()
        stand.fault("http_before", "settings", status=503)
        with pytest.raises(ExchangeError) as caught:
            stand.place(stand.request(leverage=Decimal(3)))
        assert (caught.value.outcome, caught.value.again) == (Outcome.NOT_PLACED, True)
        assert "not sent" in caught.value.message
        assert not stand.ledger()
