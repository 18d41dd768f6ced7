"""The processes that act on the rows. Each yield is a moment at which the process may die, pause, or be
overtaken by another one; its name is the crash point of the protocol."""

from datetime import timedelta

from portal.trading.proof import ANSWERS_NEEDED, BETWEEN_ANSWERS, backoff
from portal.trading.types import ExecutionStatus, OrderState
from tests.model.protocol import (
    ASKING,
    FOLLOW_EVERY,
    RETRY_CLOSE,
    RETRY_READ,
    TIMEOUT,
    Actor,
    Step,
    World,
    moment,
)
from tests.model.rows import IN_DOUBT, RESTING, SETTLED, Execution, Order, Position
from tests.model.rules import WhenUnknown
from tests.model.venue import Answer, Taken

_NETWORK = 0.05
_BETWEEN = BETWEEN_ANSWERS.total_seconds()


def webhook(world: World, key: str, oldest: float) -> Actor:
    """A signal arrives; the sender repeats it until it hears that it was taken."""
    yield Step("C1", 0.005)
    executions = world.rows.executions
    if key not in world.rows.keys or not world.rules.dedupes:
        world.rows.keys.add(key)
        executions.append(Execution(len(executions), key, world.now, oldest))
    execution = executions[-1]
    yield Step("C2", 0.002)
    hint_run(world, execution)
    yield Step("C3", 0.002)


def hint_run(world: World, execution: Execution) -> None:
    for _ in range(world.fates.hints()):
        world.spawn(run(world, execution))


def run(world: World, execution: Execution) -> Actor:
    """As `executions.run`."""
    token = world.claim(execution)
    if token is None:
        return
    yield Step("C4", _NETWORK)
    if world.fates.read_fails():
        if world.holds(execution, token):
            world.release(execution, RETRY_READ)
        return
    yield Step("C5", _NETWORK)
    if not world.holds(execution, token):
        return
    if world.now - execution.created_at > execution.oldest:
        if execution.status is ExecutionStatus.PENDING:
            late = ExecutionStatus.EXPIRED if execution.generation == 0 else ExecutionStatus.NOT_PLACED
            world.move(execution, late)
        return
    yield from place(world, world.intend(execution))
    if execution.status is ExecutionStatus.PENDING:
        hint_run(world, execution)


def close(world: World, position: Position) -> Actor:
    """As `closing.run_close`; protective orders and exits go the same way."""
    version = position.version
    if not close_wanted(world, position):
        return
    yield Step("C16", _NETWORK)
    if world.fates.read_fails():
        position.next_close_at = world.now + RETRY_CLOSE
        return
    if close_wanted(world, position) and (position.version == version or not world.rules.claims):
        yield from place(world, world.intend(position))


def close_wanted(world: World, position: Position) -> bool:
    free = not position.closing or not world.rules.claims
    return position.open and position.wanted and free and position.next_close_at <= world.now


def place(world: World, order: Order) -> Actor:
    """As `placing.place` over `ccxt_place`: once, and then only questions."""
    yield Step("C6", 0.001)
    if too_late(world, order):
        return
    yield Step("C7", 0.02)
    if too_late(world, order):
        return
    yield Step("C8", 0.0)
    for _ in range(1 if world.rules.when_unknown is WhenUnknown.ASK else 3):
        answers: list[tuple[Answer, Taken | None]] = []
        yield from send(world, order, answers)
        if answers or world.rules.when_unknown in (WhenUnknown.ASK, WhenUnknown.BELIEVE_FAILED):
            break
        if world.rules.when_unknown is WhenUnknown.SEND_NEW_ID:
            order.state, order.next_query_at = OrderState.NOT_PLACED, None
            order.disowned_at = world.now
            order = Order(f"{order.client_order_id}+", order.leg, world.now, world.now + 5, world.now + 20)
            world.rows.orders.append(order)
    yield Step("C11", 0.002)
    record(world, order, answers)


def too_late(world: World, order: Order) -> bool:
    if world.now < order.not_after or not world.rules.minds_deadline:
        return False
    world.record_nothing_placed(order, again=True, with_code=False)
    return True


def send(world: World, order: Order, answers: list[tuple[Answer, Taken | None]]) -> Actor:
    """One request. What the venue does with it happens whether or not anybody still waits here."""
    flight = world.fates.flight()

    def arrive() -> None:
        answer = world.venue.receive(order.client_order_id, order.not_after, world.now, flight)
        if heard:
            answers.append(answer)

    took = flight.delay + flight.inside + flight.answer_delay
    heard = not (flight.lost or flight.answer_lost or flight.broken) and took <= TIMEOUT
    if not flight.lost:
        world.later(flight.delay, arrive)
    yield Step("C9-C10", took if heard else 2 * _NETWORK if flight.broken else TIMEOUT)


def record(world: World, order: Order, answers: list[tuple[Answer, Taken | None]]) -> None:
    answer, taken = answers[0] if answers else (None, None)
    if taken is not None:
        world.record_taken(order, taken)
    elif answer is Answer.REFUSED:
        world.record_nothing_placed(order, again=False, with_code=True)
    elif answer in (Answer.LIMITED, Answer.TOO_LATE):
        world.record_nothing_placed(order, again=True, with_code=True)
    elif world.rules.when_unknown is WhenUnknown.BELIEVE_FAILED:
        world.record_nothing_placed(order, again=False, with_code=False)
    else:  # silence, garbage, or "this id is in use"
        if order.state is OrderState.IN_FLIGHT:
            order.next_query_at = world.now
        world.record_doubt(order)
        for _ in range(world.fates.hints()):
            world.spawn(resolve(world, order))


def resolve(world: World, order: Order) -> Actor:
    """As `resolution.resolve`: whoever moves the time of the next question has the question."""
    if order.next_query_at is None or order.next_query_at > world.now:
        return
    order.next_query_at, order.queries = world.now + ASKING, order.queries + 1
    for asked in range(ANSWERS_NEEDED + 1):
        delay, asked_at = None, world.now
        yield Step("C12" if order.state in IN_DOUBT else "C15", _NETWORK)
        taken, absent = world.venue.look_up(
            order.client_order_id, asked_at, has_its_id=order.state in RESTING
        )
        if taken is not None:
            world.record_taken(order, taken)
            return
        if not absent:
            delay = backoff(order.queries).total_seconds()
        elif order.state not in IN_DOUBT:
            delay = FOLLOW_EVERY if order.state in RESTING else None
        else:
            delay = not_found(world, order, absent, asked_at)
        if delay is None:
            yield Step("C14", 0.001)
            if isinstance(order.leg, Execution) and order.leg.status is ExecutionStatus.PENDING:
                hint_run(world, order.leg)
            return
        if not absent or delay > _BETWEEN or asked == ANSWERS_NEEDED:
            break
        yield Step("C13", delay)
    if order.next_query_at is not None and delay is not None:
        order.next_query_at = world.now + delay


def not_found(world: World, order: Order, absent: frozenset[str], asked_at: float) -> float | None:
    """As `resolution._not_found`."""
    doubt = world.doubt(order).observe(absent, moment(asked_at))
    order.absent_answers, order.kinds = doubt.answers, doubt.kinds
    if doubt.last_absent_at is not None:
        order.last_absent_at = (doubt.last_absent_at - moment(0)) / timedelta(seconds=1)
    if doubt.is_absent:
        world.record_absent(order, may_follow=doubt.left_no_trace)
        return None
    world.record_doubt(order)
    return doubt.next_question(moment(asked_at), moment(world.now)).total_seconds()


def sweep(world: World) -> bool:
    """As `sweeper.sweep`: from the rows alone. False when nothing is left to do."""
    rows, busy = world.rows, False
    for execution in rows.executions:
        busy = busy or execution.status not in SETTLED
        forgets = not world.rules.doubts_crashes and execution.lease_until < world.now
        if world.claimable(execution) or forgets:
            hint_run(world, execution)
    for order in rows.orders:
        busy = busy or order.next_query_at is not None
        if order.next_query_at is not None and order.next_query_at <= world.now:
            world.spawn(resolve(world, order))
    for position in rows.positions:
        busy = busy or position.open
        if close_wanted(world, position):
            world.spawn(close(world, position))
    return busy


def ask_close(world: World, position: Position) -> None:
    """A stop, a target or a person wants out; two monitors may say so at once."""
    if position.open and not position.wanted:
        position.wanted = True
    for _ in range(world.fates.hints()):
        world.spawn(close(world, position))
