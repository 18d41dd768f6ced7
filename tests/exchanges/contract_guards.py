"""EX-70 to EX-74: orders that rest until a price is reached, from the request to the fill."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.orders import OrderReport, OrderRequest
from portal.trading.types import MarketType, OrderState, OrderType, Side
from tests.exchanges.stand import Stand, ref


def bought(stand: Stand, factor: str, *, takes_profit: bool = False) -> OrderRequest:
    """A request that closes what was just bought, once the price is `factor` times what it is."""
    stand.place(stand.request())
    return stand.request(
        order_type=OrderType.STOP,
        side=Side.SELL,
        trigger_price=stand.price(factor),
        reduce_only=stand.market_type is MarketType.SWAP,
        takes_profit=takes_profit,
    )


def move(stand: Stand, factor: str) -> None:
    symbol = stand.symbol.split(":")[0].replace("/", "")
    stand.control.set_price(symbol, stand.price("1") * Decimal(factor), hold=True)


def looked_up(stand: Stand, request: OrderRequest, placed: OrderReport | None) -> OrderReport:
    known = ref(request, trigger=True, exchange_order_id=placed.exchange_order_id if placed else None)
    found = stand.exchange.find_order(known).report
    assert found is not None
    return found


class GuardCases:
    def test_ex70_a_resting_stop_is_read_back_as_it_was_meant(self, stand: Stand) -> None:
        assert stand.market_type in stand.exchange.capabilities.guards
        request = bought(stand, "0.95")
        placed = stand.place(request)
        (listed,) = stand.exchange.open_orders(stand.symbol)
        for seen in (placed, listed, looked_up(stand, request, placed), looked_up(stand, request, None)):
            assert seen.exchange_order_id == placed.exchange_order_id
            assert (seen.state, seen.side) == (OrderState.OPEN, Side.SELL)
            assert (seen.quantity, seen.trigger_price) == (stand.quantity, request.trigger_price)
            assert seen.reduce_only in (None, request.reduce_only)

    @pytest.mark.parametrize("by_our_id_alone", [False, True])
    def test_ex71_a_stop_that_has_triggered_is_found_filled_with_its_fills(
        self, stand: Stand, by_our_id_alone: bool
    ) -> None:
        request = bought(stand, "0.95")
        placed = stand.place(request)
        move(stand, "0.94")
        found = looked_up(stand, request, None if by_our_id_alone else placed)
        assert (found.state, found.filled_quantity) == (OrderState.FILLED, stand.quantity)
        assert found.exchange_order_id == placed.exchange_order_id
        assert found.client_order_id == request.client_order_id
        since = request.sent_at - timedelta(minutes=1)
        under = found.working_order_id or found.exchange_order_id
        fills = stand.exchange.fills(stand.symbol, since, under)
        assert sum(fill.quantity for fill in fills) == stand.quantity
        assert {fill.side for fill in fills} == {Side.SELL}
        assert not stand.exchange.open_orders(stand.symbol)

    def test_ex72_a_resting_target_triggers_on_a_gain_and_not_on_a_loss(self, stand: Stand) -> None:
        request = bought(stand, "1.05", takes_profit=True)
        if stand.market_type not in stand.exchange.capabilities.resting_targets:
            with pytest.raises(ExchangeError) as caught:
                stand.place(request)
            assert (caught.value.code, caught.value.outcome) == (ErrorCode.UNSUPPORTED, Outcome.NOT_PLACED)
            assert not stand.ledger(request)
            return
        placed = stand.place(request)
        assert (placed.state, placed.trigger_price) == (OrderState.OPEN, request.trigger_price)
        move(stand, "0.94")
        assert looked_up(stand, request, placed).state is OrderState.OPEN
        move(stand, "1.2")
        assert looked_up(stand, request, placed).state is OrderState.FILLED

    def test_ex73_a_stop_that_the_price_has_passed_is_refused_with_proof(self, stand: Stand) -> None:
        request = bought(stand, "1.05")
        with pytest.raises(ExchangeError) as caught:
            stand.place(request)
        assert caught.value.outcome is Outcome.NOT_PLACED
        assert caught.value.venue_code
        assert not stand.ledger(request)

    def test_ex74_a_stop_whose_position_is_gone_opens_nothing(self, stand: Stand) -> None:
        if stand.market_type is MarketType.SPOT:
            return  # what a spot stop sells is set aside for it
        request = bought(stand, "0.95")
        placed = stand.place(request)
        stand.place(stand.request(side=Side.SELL, reduce_only=True))
        move(stand, "0.94")
        assert looked_up(stand, request, placed).filled_quantity == 0
        assert not stand.exchange.positions([stand.symbol])
