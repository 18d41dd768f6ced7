"""Jobs about the health of connections: ids in, nothing out."""

from portal.jobs.ticks import tick
from portal.services import connections, reconciliation


@tick
def check_connections() -> None:
    connections.check_connections()


def check_connection(connection_id: int) -> None:
    connections.check_connection(connection_id)
    reconciliation.look_everywhere(connection_id)


def test_connection(connection_id: int) -> None:
    connections.test_connection(connection_id)
    reconciliation.look_everywhere(connection_id, now=True)
