"""Jobs that compare our books with the venues: ids in, nothing out."""

from portal.jobs.ticks import tick
from portal.services import reconciliation


@tick
def sync_connections() -> None:
    reconciliation.sync_connections()


def sync_connection(connection_id: int) -> None:
    reconciliation.sync_connection(connection_id)
