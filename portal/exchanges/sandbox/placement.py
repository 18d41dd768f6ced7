"""Takes an order onto the books: identity, rules, funds, acceptance, first match. All or nothing."""

from dataclasses import dataclass
from decimal import Decimal

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.filters import check
from portal.exchanges.sandbox.funds import reserve_margin, reserve_spot
from portal.exchanges.sandbox.identity import earlier_order, generated_id
from portal.exchanges.sandbox.intents import Intent
from portal.exchanges.sandbox.matching import close, cut_plan, plan_order, planned_quantity, rest, take
from portal.exchanges.sandbox.numbers import ZERO
from portal.exchanges.sandbox.orders import Order
from portal.exchanges.sandbox.perp_rules import check_position_rules


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a scripted fault changes about acceptance."""

    invisible_ms: int = 0
    end_status: str = ""
    fraction: Decimal | None = None


PLAIN = Treatment()


def place(exchange: Exchange, account: Account, intent: Intent, treatment: Treatment = PLAIN) -> Order:
    """Accepts the order and matches it once. Raises VenueError, with nothing changed, when it is refused."""
    known = earlier_order(exchange, account, intent)
    if known is not None:
        return known
    if not account.can_trade:
        raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    order = new_order(exchange, account, intent)
    price = exchange.price(order.market)
    check(order, price)
    if order.market.is_perp:
        check_position_rules(account, order)
    if order.is_stop:
        _refuse_stop(account, order, price)
    _admit(exchange, account, order, treatment)
    exchange.save(account, [order], order.fills)
    return order


def new_order(exchange: Exchange, account: Account, intent: Intent, origin: str = "api") -> Order:
    now = exchange.clock.now_ms()
    accepted_ns, monotonic_ns = exchange.stamp()
    order = Order(
        order_id=exchange.ledger.next_id(),
        account_id=account.account_id,
        market=intent.market,
        client_order_id=intent.client_order_id or generated_id(),
        side=intent.side,
        order_type=intent.order_type,
        time_in_force=intent.time_in_force,
        quantity=intent.quantity,
        price=intent.price,
        trigger_price=intent.trigger_price,
        quote_quantity=intent.quote_quantity,
        created_ms=now,
        accepted_ns=accepted_ns,
        accepted_monotonic_ns=monotonic_ns,
        reduce_only=intent.reduce_only,
        close_position=intent.close_position,
        position_side=intent.position_side,
        origin=origin,
        is_algo=intent.is_algo,
        updated_ms=now,
    )
    order.working = not order.is_stop
    return order


def _refuse_stop(account: Account, order: Order, price: Decimal) -> None:
    """Refuses every stop of an account that may have none, and one that would trigger at once."""
    if not account.can_stop:
        if order.market.is_perp:
            raise VenueError(-4045, "Reach max stop order limit.")
        raise VenueError(-2010, "Stop loss orders are not supported for this symbol.")
    reached = price >= order.trigger_price if order.triggers_upward else price <= order.trigger_price
    if not reached:
        return
    if order.market.is_perp:
        raise VenueError(-2021, "Order would immediately trigger.")
    raise VenueError(-2010, "Stop price would trigger immediately.")


def _admit(exchange: Exchange, account: Account, order: Order, treatment: Treatment) -> None:
    """Reserves funds, puts the order into the ledger and matches it or lets it wait."""
    taken = [] if order.is_stop else plan_order(exchange, order)
    if not order.is_stop:
        _refuse_by_plan(order, taken)
        if treatment.fraction is not None:
            taken = cut_plan(taken, treatment.fraction, order.market.lot_size)
    if order.quote_quantity:
        order.quantity = planned_quantity(taken)
    reserve(exchange, account, order, taken)
    order.visible_at_ms = order.created_ms + treatment.invisible_ms if treatment.invisible_ms else 0
    account.index(order)
    exchange.ledger.add(order)
    if order.is_stop:
        await_trigger(exchange, order)
    else:
        take(exchange, account, order, taken)
    if treatment.end_status and order.is_open:
        close(exchange, account, order, treatment.end_status)


def _refuse_by_plan(order: Order, taken: list[tuple[Decimal, Decimal]]) -> None:
    """Refuses post-only orders that would take and futures fill-or-kill orders that cannot be filled."""
    if order.order_type == "LIMIT_MAKER" and taken:
        raise VenueError(-2010, "Order would immediately match and take.")
    if order.time_in_force == "GTX" and taken:
        raise VenueError(
            -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."
        )
    if order.market.is_perp and order.time_in_force == "FOK" and not taken:
        raise VenueError(
            -5021, "Due to the order could not be filled immediately, the FOK order has been rejected."
        )
    if order.quote_quantity and not taken:
        raise VenueError(-1013, "Filter failure: LOT_SIZE")


def reserve(exchange: Exchange, account: Account, order: Order, taken: list[tuple[Decimal, Decimal]]) -> None:
    """Sets aside what the order may spend. Raises -2010 (spot) or -2019 (futures) when it is not there."""
    cost = sum((price * quantity for price, quantity in taken), ZERO)
    if order.market.is_perp:
        if not order.is_algo:
            price = order.price if order.is_priced else (order.trigger_price or exchange.price(order.market))
            reserve_margin(account, order, exchange.prices, price, hold=order.is_priced)
        return
    if not order.is_buy:
        amount = order.quantity
    elif order.is_priced:
        amount = order.price * order.quantity
    else:
        amount = order.trigger_price * order.quantity if order.is_stop else cost
    reserve_spot(account, order, amount)


def await_trigger(exchange: Exchange, order: Order) -> None:
    waiting = exchange.waiting[order.market.key]
    (waiting.triggers_up if order.triggers_upward else waiting.triggers_down).add(order.trigger_price, order)


def resume(exchange: Exchange, account: Account, order: Order) -> None:
    """Lets an open order that was read back from the journal wait for its price again."""
    if order.working:
        rest(exchange, order)
    else:
        await_trigger(exchange, order)
