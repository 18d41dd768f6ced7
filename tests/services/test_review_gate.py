"""The last gate counts what may still become a position."""

from portal.trading.types import ExecutionStatus
from tests.services.desk import Desk
from tests.services.test_review_recording import FUTURES


def test_entry_against_a_waiting_one_on_a_netting_account_is_denied(desk: Desk) -> None:
    """Where the venue nets, a sell and a buy that waits would undo each other behind the books' back."""
    desk.account(exchange=FUTURES, preset=desk.sized(market_type="swap"))
    desk.price("BTC/USDT", 50_000)
    assert desk.trade(order_type="limit", open_price="45000").status is ExecutionStatus.OPEN
    execution = desk.trade(direction="sell")
    assert execution.code == "OPPOSITE_POSITION_OPEN", execution.status
    assert desk.accepted() == 1


def test_position_limit_when_an_entry_s_fills_are_not_known_yet_counts_it(desk: Desk) -> None:
    desk.account(exchange=FUTURES, preset=desk.sized(market_type="swap", max_open_positions=1))
    desk.sandbox.add_fault("http_before", "myTrades", status=503)
    desk.trade()
    assert desk.trade(currency_pair="ETH/USDT").code == "MAX_OPEN_POSITIONS"
    assert desk.accepted() == 1
