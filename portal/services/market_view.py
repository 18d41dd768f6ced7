"""What planning needs to know about account and market, read over the network. Never inside a transaction;
may be repeated."""

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db, end_read, utcnow
from portal.exchanges.base import Exchange
from portal.models import ExecutionConnection, ExecutionPosition
from portal.services import daily_loss, prices, trading_state
from portal.trading.instrument import Instrument
from portal.trading.orders import Balance
from portal.trading.preset import PresetRules
from portal.trading.snapshot import Snapshot
from portal.trading.types import MarketType, PositionSide, PositionStatus, Side

_LIVE = (PositionStatus.OPEN, PositionStatus.CLOSING)
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Open positions of one connection, counted."""

    total: int
    on_symbol: int
    opposite: bool


def read(
    connection: ExecutionConnection,
    exchange: Exchange,
    instrument: Instrument,
    side: Side,
    rules: PresetRules,
) -> Snapshot:
    """One consistent look at account and market. Raises ExchangeError when something could not be read."""
    state = trading_state.effective(connection, instrument.symbol)
    counted = exposure(connection.id, instrument.symbol, side)
    exchange_name, position_mode = connection.exchange_name, connection.position_mode
    day = daily_loss.so_far(connection) if rules.max_daily_loss_percent is not None else None
    end_read()
    balances = exchange.balances(instrument.market_type)
    ticker = prices.ticker(exchange_name, instrument.symbol, exchange)
    cash = instrument.cash_currency
    paying = balances.get(cash, Balance(cash, _NOTHING, _NOTHING))
    held = balances.get(instrument.base, Balance(instrument.base, _NOTHING, _NOTHING))
    equity = _equity(paying, held, ticker.mark_price if ticker else None, instrument)
    return Snapshot(
        now=utcnow(),
        instrument=instrument,
        ticker=ticker,
        free_quote=paying.free,
        equity=equity,
        free_base=held.free,
        position_mode=position_mode,
        open_positions=counted.total,
        open_positions_on_symbol=counted.on_symbol,
        opposite_open=counted.opposite,
        daily_loss_percent=day.loss_percent(equity) if day else _NOTHING,
        trading_state=state,
        order_types=exchange.capabilities.order_types,
        time_in_force=exchange.capabilities.time_in_force,
    )


def exposure(connection_id: int, symbol: str, side: Side) -> Exposure:
    """Count the connection's open positions. Also used at the last gate, under the connection's row lock."""
    opposite = PositionSide.SHORT if side is Side.BUY else PositionSide.LONG
    on_symbol = ExecutionPosition.symbol == symbol
    row = db.session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(on_symbol),
            sa.func.count().filter(on_symbol, ExecutionPosition.position_side == opposite),
        ).where(ExecutionPosition.connection_id == connection_id, ExecutionPosition.status.in_(_LIVE))
    ).one()
    return Exposure(row[0], row[1], row[2] > 0)


def _equity(paying: Balance, held: Balance, mark: Decimal | None, instrument: Instrument) -> Decimal:
    """Settlement currency plus, on spot, what is held of the base at the mark price."""
    if instrument.market_type is MarketType.SPOT and mark is not None:
        return paying.total + held.total * mark
    return paying.total
