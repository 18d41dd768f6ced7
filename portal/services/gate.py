"""The last gate before an entry is written down and sent. Everything that may have changed since it was
planned is asked again here, under the connection's row lock, so that no two signals pass side by side."""

from sqlalchemy.exc import SQLAlchemyError

from portal.db import db, end_read
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.models import Execution, ExecutionConnection, Order
from portal.services import daily_loss, limits, market_view, trading_state
from portal.services.reconciliation import standing
from portal.trading.checks import position_limit_denial
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.limits import allows_foreign
from portal.trading.planning import EntryPlan
from portal.trading.preset import PresetRules
from portal.trading.symbols import parse_pair
from portal.trading.types import MarketType, PositionMode, TradingStateValue


def pass_or_deny(
    execution: Execution, connection: ExecutionConnection, plan: EntryPlan, rules: PresetRules
) -> Denial | None:
    """None: the entry may be sent. The caller holds the lock on the connection and commits; a runaway loop is
    halted in the same transaction. Raises NotReconciledError when the account is to be compared first."""
    return (
        _switches(connection, plan, rules, compared=standing.is_done(connection))
        or _daily_loss(connection, plan, rules)
        or limits.runaway_denial(execution, connection, plan.instrument.symbol)
        or limits.notional_denial(connection, plan)
    )


def would_deny(connection: ExecutionConnection, plan: EntryPlan, rules: PresetRules) -> Denial | None:
    """The same questions for a preview: nothing is locked, halted or written, and the comparison that an
    entry may have to wait for is not waited for. What it says may have changed a moment later."""
    return (
        _switches(connection, plan, rules, compared=True)
        or _daily_loss(connection, plan, rules)
        or limits.runaway_preview(connection, plan.instrument.symbol)
        or limits.notional_denial(connection, plan)
    )


def ask_again(order_id: int) -> None:
    """The switches once more, for an entry that is written down and not sent yet. Reads only. Raises
    ExchangeError NOT_PLACED when it must not be sent, or when that cannot be found out."""
    try:
        order = db.session.get_one(Order, order_id, populate_existing=True)
        connection, opens = order.connection, order.side is order.position_side.entry_side
        state = trading_state.effective(connection, order.symbol) if connection is not None else None
        allowed = connection is not None and connection.can_execute_trades()
        end_read()
    except SQLAlchemyError as error:
        raise _stopped("Whether trading is halted could not be asked.", ErrorCode.UNAVAILABLE) from error
    if state is TradingStateValue.HALTED or (state is TradingStateValue.REDUCING and opens) or not allowed:
        raise _stopped("Trading was halted before the order was sent.", ErrorCode.HALTED)


def _stopped(why: str, code: ErrorCode) -> ExchangeError:
    again = code is not ErrorCode.HALTED
    return ExchangeError(code, f"{why} Nothing was placed.", outcome=Outcome.NOT_PLACED, again=again)


def _switches(
    connection: ExecutionConnection, plan: EntryPlan, rules: PresetRules, *, compared: bool
) -> Denial | None:
    symbol = plan.instrument.symbol
    now = market_view.standing(connection, symbol, plan.leg.side)
    if now.state is TradingStateValue.HALTED:
        return deny(DenialCode.TRADING_HALTED)
    if now.state is TradingStateValue.REDUCING and plan.leg.opens:
        return deny(DenialCode.TRADING_REDUCING)
    if not connection.can_execute_trades():
        return deny(DenialCode.CONNECTION_INACTIVE, connection=connection.name)
    if not compared:
        raise standing.not_yet()
    on_swap = plan.instrument.market_type is MarketType.SWAP
    netting = on_swap and plan.leg.position_mode is PositionMode.ONE_WAY
    if netting and now.opposite_under_way:
        return deny(DenialCode.OPPOSITE_POSITION_OPEN)
    if netting and now.foreign and not allows_foreign(connection.settings or {}):
        return deny(DenialCode.FOREIGN_POSITION)
    # Entries under way may still become positions: they count against the limits.
    return position_limit_denial(
        rules, parse_pair(symbol), now.positions + now.under_way, now.on_symbol + now.under_way_on_symbol
    )


def _daily_loss(connection: ExecutionConnection, plan: EntryPlan, rules: PresetRules) -> Denial | None:
    """What was lost since the plan was made: closes book while entries are planned."""
    limit = rules.max_daily_loss_percent
    if limit is None:
        return None
    loss = daily_loss.so_far(connection).loss_percent(plan.equity)
    return deny(DenialCode.MAX_DAILY_LOSS, loss=loss, limit=limit) if loss >= limit else None
