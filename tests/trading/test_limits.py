"""Limits on value: exact at the edge, and only ever lowered."""

from decimal import Decimal

import pytest

from portal.trading import limits
from portal.trading.denials import DenialCode
from portal.trading.fields import FieldError


@pytest.mark.parametrize(("value", "read"), [("20.5", "20.5"), (20, "20"), (0.1, "0.1"), (" 7 ", "7")])
def test_limit_of_a_connection_is_read_as_it_is_written(value: object, read: str) -> None:
    assert limits.read_limits({"max_order_notional": value, "other": 1}) == {
        "max_order_notional": Decimal(read)
    }


@pytest.mark.parametrize("value", ["", "many", "0", "-1", "NaN", "inf", True, [], {}, float("nan")])
def test_limit_that_cannot_be_meant_is_refused_by_name(value: object) -> None:
    with pytest.raises(FieldError, match="max_daily_notional"):
        limits.read_limits({"max_daily_notional": value})


def test_lowest_limit_counts_and_none_is_none() -> None:
    assert limits.lowest(None, None) is None
    assert limits.lowest(None, Decimal(5)) == Decimal(5)
    assert limits.lowest(Decimal(3), Decimal(5)) == Decimal(3)


def test_order_that_is_exactly_worth_the_limit_passes() -> None:
    limit = Decimal(100)
    assert limits.order_denial(limit, limit, "USDT") is None
    assert limits.day_denial(Decimal(40), Decimal(60), limit, "USDT") is None
    above = limits.order_denial(Decimal("100.01"), limit, "USDT")
    assert above is not None
    assert above.code is DenialCode.MAX_ORDER_NOTIONAL
    assert "100.01 USDT" in above.message
    day = limits.day_denial(Decimal(40), Decimal("60.01"), limit, "USDT")
    assert day is not None
    assert day.code is DenialCode.MAX_DAILY_NOTIONAL
    assert "60.01 USDT" in day.message


def test_runaway_is_the_first_count_above_its_limit() -> None:
    assert limits.runaway_denial([("connection:1", "entries", 60, 60)]) is None
    found = limits.runaway_denial([("connection:1", "entries", 60, 60), ("user:2", "signals", 121, 120)])
    assert found is not None
    denial, scope = found
    assert (denial.code, scope) == (DenialCode.RUNAWAY_ENTRIES, "user:2")
    assert "121 signals" in denial.message
