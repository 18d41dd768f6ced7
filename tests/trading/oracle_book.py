"""A position a second time, in fractions: money and coins are counted as they change hands."""

from collections.abc import Iterable
from fractions import Fraction

from portal.trading.orders import FillReport
from portal.trading.types import Side


def cash_and_base(fills: Iterable[FillReport], base: str, cash: str) -> tuple[Fraction, Fraction]:
    """What a spot account gained in cash and in base currency."""
    money, coins = Fraction(0), Fraction(0)
    for fill in {report.exchange_fill_id: report for report in fills}.values():
        sign = 1 if fill.side is Side.BUY else -1
        money -= sign * Fraction(fill.quantity) * Fraction(fill.price)
        coins += sign * Fraction(fill.quantity)
        for fee in fill.fees:
            money -= Fraction(fee.cost) if fee.currency == cash else 0
            coins -= Fraction(fee.cost) if fee.currency == base else 0
    return money, coins


def cash_with_third_coins(fills: Iterable[FillReport], base: str, cash: str) -> tuple[Fraction, Fraction]:
    """As `cash_and_base`, with every other coin sold at the rate of its fee, when it has one, to pay it."""
    money, coins = cash_and_base(fills, base, cash)
    for fill in {report.exchange_fill_id: report for report in fills}.values():
        for fee in fill.fees:
            if fee.currency not in (base, cash) and fee.rate is not None:
                money -= Fraction(fee.cost) * Fraction(fee.rate)
    return money, coins


def inverse_equity(fills: Iterable[FillReport], contract: Fraction, mark: Fraction) -> Fraction:
    """What all fills have earned in base currency if everything were closed at `mark`, before fees."""
    earned = Fraction(0)
    for fill in {report.exchange_fill_id: report for report in fills}.values():
        sign = 1 if fill.side is Side.BUY else -1
        earned += sign * Fraction(fill.quantity) * contract * (1 / Fraction(fill.price) - 1 / mark)
    return earned
