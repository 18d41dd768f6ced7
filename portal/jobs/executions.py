"""Jobs about executions and their orders: ids in, nothing out. The verbs are in the services."""

from portal.jobs import queues
from portal.jobs.ticks import tick
from portal.services import executions, late_entries, resolution, sweeper
from portal.services.reconciliation import restored
from portal.services.unresolved import asking, looking


def run_execution(execution_id: int) -> None:
    executions.run(execution_id)


def resolve_order(order_id: int) -> None:
    resolution.resolve(order_id, stay=False)


def adopt_order(question_id: int) -> None:
    asking.carry_out(question_id)


def look_for_candidates(order_id: int) -> None:
    looking.look(order_id)


def cancel_late_entry(order_id: int) -> None:
    late_entries.cancel(order_id)


@tick
def sweep() -> None:
    restored.start_anew_after_restore()
    with queues.sparing():
        sweeper.sweep()
