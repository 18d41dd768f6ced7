"""The nightly figures of one connection, from its closed trades and its equity. Decimal throughout.

Sharpe and Sortino are taken over the daily returns of the equity curve with a risk-free rate of zero, and
made yearly with the square root of 365, because these markets do not close:

* Sharpe: mean / standard deviation (n - 1) of the returns. W. F. Sharpe, "The Sharpe Ratio", 1994.
* Sortino: mean / root of the mean squared loss over all n returns. F. Sortino and R. van der Meer, "Downside
  Risk", 1991.

A figure that is not defined is None, never a made-up number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from portal.trading.numbers import exact, plain

PERIODS_PER_YEAR = 365
PERCENTILES = (50, 90, 99)
_SCALE = Decimal("1E-12")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """`realized_pnl` is net of `fees`. Slippage is positive when the fill was worse than expected."""

    realized_pnl: Decimal
    fees: Decimal = _ZERO
    slippage_bps: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """`win_rate` and `max_drawdown` are fractions (0.25 is 25 %); averages and expectancy are money per
    trade.

    A trade that ends at exactly zero is neither won nor lost, but counts as a trade. `average_loss` and
    `gross_loss` are positive. `profit_factor` is gross profit by gross loss, None without a loss.
    """

    trades: int
    wins: int
    losses: int
    win_rate: Decimal | None
    gross_profit: Decimal
    gross_loss: Decimal
    net_pnl: Decimal
    profit_factor: Decimal | None
    expectancy: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    fees: Decimal
    slippage_bps: Decimal | None
    sharpe: Decimal | None
    sortino: Decimal | None
    max_drawdown: Decimal | None
    latency_ms: Mapping[int, Decimal]


def summarize(
    trades: Sequence[ClosedTrade],
    equity: Sequence[Decimal] = (),
    latencies_ms: Iterable[Decimal] = (),
) -> Statistics:
    """`equity` has one value per day, oldest first, deposits and withdrawals taken out. Safe to repeat."""
    with exact():
        won = [trade.realized_pnl for trade in trades if trade.realized_pnl > 0]
        lost = [-trade.realized_pnl for trade in trades if trade.realized_pnl < 0]
        profit, loss = sum(won, _ZERO), sum(lost, _ZERO)
        returns = daily_returns(equity)
        slips = [trade.slippage_bps for trade in trades if trade.slippage_bps is not None]
        count = len(trades)
        return Statistics(
            trades=count,
            wins=len(won),
            losses=len(lost),
            win_rate=_ratio(Decimal(len(won)), Decimal(count)),
            gross_profit=profit,
            gross_loss=loss,
            net_pnl=profit - loss,
            profit_factor=_ratio(profit, loss),
            expectancy=_ratio(profit - loss, Decimal(count)),
            average_win=_ratio(profit, Decimal(len(won))),
            average_loss=_ratio(loss, Decimal(len(lost))),
            fees=sum((trade.fees for trade in trades), _ZERO),
            slippage_bps=_ratio(sum(slips, _ZERO), Decimal(len(slips))),
            sharpe=sharpe(returns),
            sortino=sortino(returns),
            max_drawdown=max_drawdown(equity),
            latency_ms=percentiles(latencies_ms),
        )


def daily_returns(equity: Sequence[Decimal]) -> list[Decimal]:
    """Relative change from each value to the next; none after a value that is not above zero."""
    with exact():
        return [new / old - 1 for old, new in zip(equity, equity[1:], strict=False) if old > 0]


def sharpe(returns: Sequence[Decimal], periods: int = PERIODS_PER_YEAR) -> Decimal | None:
    """None with fewer than two returns, or when they do not vary."""
    if len(returns) < 2:
        return None
    with exact():
        mean = sum(returns, _ZERO) / len(returns)
        variance = sum(((value - mean) ** 2 for value in returns), _ZERO) / (len(returns) - 1)
        return _ratio(mean * Decimal(periods).sqrt(), variance.sqrt())


def sortino(returns: Sequence[Decimal], periods: int = PERIODS_PER_YEAR) -> Decimal | None:
    """None with fewer than two returns, or when none of them is a loss."""
    if len(returns) < 2:
        return None
    with exact():
        mean = sum(returns, _ZERO) / len(returns)
        downside = sum((min(value, _ZERO) ** 2 for value in returns), _ZERO) / len(returns)
        return _ratio(mean * Decimal(periods).sqrt(), downside.sqrt())


def max_drawdown(equity: Sequence[Decimal]) -> Decimal | None:
    """The largest fall from a peak, as a fraction of that peak; None without a value above zero."""
    peak, worst = _ZERO, None
    with exact():
        for value in equity:
            peak = max(peak, value)
            if peak > 0:
                worst = max(worst or _ZERO, (peak - value) / peak)
        return None if worst is None else _rounded(worst)


def percentiles(values: Iterable[Decimal], wanted: Sequence[int] = PERCENTILES) -> dict[int, Decimal]:
    """Nearest rank: the smallest value that at least p percent of all values do not exceed. Empty without
    values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    ranks = {p: int((Decimal(p * len(ordered)) / 100).to_integral_value(ROUND_CEILING)) for p in wanted}
    return {p: ordered[max(rank, 1) - 1] for p, rank in ranks.items()}


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return None if whole <= 0 else _rounded(part / whole)


def _rounded(value: Decimal) -> Decimal:
    return plain(value.quantize(_SCALE, rounding=ROUND_HALF_EVEN))
