"""The legal moves of orders and executions, as tables. The documentation's diagram is generated from them.

`in_flight` and `unresolved` mean: it may exist at the venue. Only an answer to the request itself can say
`rejected`; from `unresolved` an order is either found, or proved never to have been placed.
"""

from collections.abc import Mapping
from typing import TypeVar

from portal.trading.types import ExecutionStatus, OrderState


class IllegalTransition(ValueError):
    """The move is not in the table; nothing was changed."""

    def __init__(self, old: OrderState | ExecutionStatus, new: OrderState | ExecutionStatus) -> None:
        super().__init__(f"{type(old).__name__} cannot go from {old} to {new}; nothing was changed.")
        self.old = old
        self.new = new


S = TypeVar("S", OrderState, ExecutionStatus)
_O, _E = OrderState, ExecutionStatus

ORDER_MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    _O.IN_FLIGHT: frozenset(
        {
            _O.UNRESOLVED,
            _O.OPEN,
            _O.PARTIALLY_FILLED,
            _O.FILLED,
            _O.CANCELED,
            _O.EXPIRED,
            _O.REJECTED,
            _O.NOT_PLACED,
        }
    ),
    _O.UNRESOLVED: frozenset(
        {_O.OPEN, _O.PARTIALLY_FILLED, _O.FILLED, _O.CANCELED, _O.EXPIRED, _O.NOT_PLACED}
    ),
    _O.OPEN: frozenset({_O.PARTIALLY_FILLED, _O.FILLED, _O.CANCELED, _O.EXPIRED}),
    _O.PARTIALLY_FILLED: frozenset({_O.FILLED, _O.CANCELED, _O.EXPIRED}),
    _O.FILLED: frozenset(),
    _O.CANCELED: frozenset(),
    _O.EXPIRED: frozenset(),
    _O.REJECTED: frozenset(),
    _O.NOT_PLACED: frozenset(),
}

EXECUTION_MOVES: Mapping[ExecutionStatus, frozenset[ExecutionStatus]] = {
    # Denied, expired and canceled from here are ours: nothing was sent.
    # Not placed: after a first order that was proved absent, the second look said no.
    _E.PENDING: frozenset({_E.IN_FLIGHT, _E.DENIED, _E.EXPIRED, _E.CANCELED, _E.NOT_PLACED}),
    # The rest mirrors the entry order. Back to pending only with proof that nothing was placed (rate limit,
    # clock).
    _E.IN_FLIGHT: frozenset(
        {
            _E.PENDING,
            _E.UNRESOLVED,
            _E.OPEN,
            _E.PARTIALLY_FILLED,
            _E.FILLED,
            _E.CANCELED,
            _E.EXPIRED,
            _E.REJECTED,
            _E.NOT_PLACED,
        }
    ),
    # Back to pending only after proof of absence, for a second and last order while the signal is alive.
    _E.UNRESOLVED: frozenset(
        {
            _E.PENDING,
            _E.OPEN,
            _E.PARTIALLY_FILLED,
            _E.FILLED,
            _E.CANCELED,
            _E.EXPIRED,
            _E.NOT_PLACED,
        }
    ),
    _E.OPEN: frozenset({_E.PARTIALLY_FILLED, _E.FILLED, _E.CANCELED, _E.EXPIRED}),
    _E.PARTIALLY_FILLED: frozenset({_E.FILLED, _E.CANCELED, _E.EXPIRED}),
    _E.FILLED: frozenset(),
    _E.DENIED: frozenset(),
    _E.REJECTED: frozenset(),
    _E.NOT_PLACED: frozenset(),
    _E.EXPIRED: frozenset(),
    _E.CANCELED: frozenset(),
}

#: A fill that arrives late is the truth and moves even these; whoever books it raises an alarm. A denial
#: never sent anything, so no fill can belong to it.
LATE_FILL_FROM = frozenset({"canceled", "expired", "rejected", "not_placed"})
LATE_FILL_TO = frozenset({"partially_filled", "filled"})


#: What ended without anything at a venue may begin anew when a person asks for it: nothing else leads there,
#: and `services.reruns` first makes sure that there is no order, nor may be one.
RERUN_FROM = frozenset({_E.DENIED, _E.EXPIRED, _E.NOT_PLACED})


def is_terminal(state: OrderState | ExecutionStatus) -> bool:
    return not _moves(state)


def can_move(old: S, new: S, *, is_late_fill: bool = False, is_rerun: bool = False) -> bool:
    """A state never moves to itself. `is_late_fill` adds the edges that only a fill may take, `is_rerun`
    those that only a person may."""
    late = is_late_fill and old.value in LATE_FILL_FROM and new.value in LATE_FILL_TO
    rerun = is_rerun and old in RERUN_FROM and new is _E.PENDING
    return new in _moves(old) or late or rerun


def check_move(old: S, new: S, *, is_late_fill: bool = False, is_rerun: bool = False) -> None:
    """Raises IllegalTransition."""
    if not can_move(old, new, is_late_fill=is_late_fill, is_rerun=is_rerun):
        raise IllegalTransition(old, new)


def _moves(state: OrderState | ExecutionStatus) -> frozenset[OrderState] | frozenset[ExecutionStatus]:
    return ORDER_MOVES[state] if isinstance(state, OrderState) else EXECUTION_MOVES[state]
