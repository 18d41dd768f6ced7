"""What planning needs to know about account and market, read over the network. Never inside a transaction;
may be repeated."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from portal.db import db, end_read, spelled, utcnow
from portal.exchanges.base import Exchange
from portal.models import ExecutionConnection, ExecutionPosition, ForeignHolding, Order, TradingState
from portal.models.position import HELD
from portal.services import daily_loss, prices, trading_state, venues
from portal.trading.instrument import Instrument
from portal.trading.orders import Balance
from portal.trading.preset import PresetRules
from portal.trading.snapshot import Snapshot
from portal.trading.types import (
    ForeignKind,
    MarketType,
    OrderRole,
    OrderState,
    PositionSide,
    Side,
    TradingStateValue,
)

_UNDER_WAY = (OrderState.IN_FLIGHT, OrderState.UNRESOLVED, OrderState.OPEN)
_NOTHING = Decimal(0)


def _standing() -> sa.Select[Any]:
    """One row of counts. Built once: putting it together takes longer than running it."""
    connection_id: Any = sa.bindparam("connection_id")
    symbol: Any = sa.bindparam("symbol")
    mine, here = ExecutionPosition, ExecutionPosition.symbol == symbol
    states = sa.select(sa.func.array_agg(TradingState.state)).where(trading_state.MATCHING)
    positions = (
        sa.select(
            sa.func.count().label("positions"),
            sa.func.count().filter(here).label("on_symbol"),
            sa.func.count().filter(here, mine.position_side == sa.bindparam("opposite")).label("opposite"),
        )
        .where(mine.connection_id == connection_id, mine.status.in_(spelled(*HELD)))
        .subquery()
    )
    entries = (
        sa.select(
            sa.func.count().label("under_way"),
            sa.func.count().filter(Order.symbol == symbol).label("under_way_on_symbol"),
            sa.func.count()
            .filter(Order.symbol == symbol, Order.position_side == sa.bindparam("opposite"))
            .label("opposite_under_way"),
        )
        .where(
            Order.connection_id == connection_id,
            Order.role.in_(spelled(OrderRole.ENTRY)),
            sa.or_(
                Order.state.in_(spelled(*_UNDER_WAY)),
                # Filled, but its fills are not known yet.
                sa.and_(~Order.fills_complete, Order.position_id.is_(None)),
            ),
        )
        .subquery()
    )
    foreign = sa.exists().where(
        ForeignHolding.connection_id == connection_id,
        ForeignHolding.symbol == symbol,
        ForeignHolding.kind.in_(spelled(ForeignKind.POSITION)),
        ForeignHolding.gone_at.is_(None),
    )
    both = positions.join(entries, sa.true())
    return sa.select(states.scalar_subquery(), *positions.c, *entries.c, foreign).select_from(both)


_STANDING = _standing()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says about one connection and symbol: the switches, open positions, and entries that
    may still become positions."""

    state: TradingStateValue
    positions: int
    on_symbol: int
    opposite: int
    under_way: int
    under_way_on_symbol: int
    opposite_under_way: int
    #: The account has a position here that is not ours.
    foreign: bool


def read(
    connection: ExecutionConnection,
    exchange: Exchange,
    instrument: Instrument,
    side: Side,
    rules: PresetRules,
) -> Snapshot:
    """One consistent look at account and market. Raises ExchangeError when something could not be read."""
    counted = standing(connection, instrument.symbol, side)
    price_source, position_mode = venues.price_source(connection), connection.position_mode
    day = daily_loss.so_far(connection) if rules.max_daily_loss_percent is not None else None
    end_read()
    # The price first: it is read once for everybody, and without it nobody need ask for a balance.
    quote = prices.quote(price_source, instrument.symbol, exchange)
    balances = exchange.balances(instrument.market_type)
    ticker = quote.ticker
    cash = instrument.cash_currency
    paying = balances.get(cash, Balance(cash, _NOTHING, _NOTHING))
    held = balances.get(instrument.base, Balance(instrument.base, _NOTHING, _NOTHING))
    equity = _equity(paying, held, ticker.mark_price if ticker else None, instrument)
    return Snapshot(
        now=utcnow(),
        instrument=instrument,
        ticker=ticker,
        price_doubt=quote.doubt,
        free_quote=paying.free,
        equity=equity,
        free_base=held.free,
        position_mode=position_mode,
        open_positions=counted.positions,
        open_positions_on_symbol=counted.on_symbol,
        opposite_open=counted.opposite > 0,
        daily_loss_percent=day.loss_percent(equity) if day else _NOTHING,
        trading_state=counted.state,
        order_types=exchange.capabilities.order_types,
        time_in_force=exchange.capabilities.time_in_force,
    )


def standing(connection: ExecutionConnection, symbol: str, side: Side) -> Standing:
    """Ask the database once. Also used at the last gate, under the connection's row lock."""
    asked = {
        **trading_state.about(connection, symbol),
        "connection_id": connection.id,
        "symbol": symbol,
        "opposite": PositionSide.SHORT if side is Side.BUY else PositionSide.LONG,
    }
    found, *counts = db.session.execute(_STANDING, asked).one()
    return Standing(trading_state.strictest(found or ()), *counts)


def _equity(paying: Balance, held: Balance, mark: Decimal | None, instrument: Instrument) -> Decimal:
    """Settlement currency plus, on spot, what is held of the base at the mark price."""
    if instrument.market_type is MarketType.SPOT and mark is not None:
        return paying.total + held.total * mark
    return paying.total
