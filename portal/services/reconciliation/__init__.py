"""Our books beside what the venues say: what rests is followed, what is held is compared, what is not ours is
listed. Asks, never sends."""

from portal.services.reconciliation.cycle import Result
from portal.services.reconciliation.due import sync_connections
from portal.services.reconciliation.everywhere import look_everywhere
from portal.services.reconciliation.running import follow_and_compare, reconcile, sync_connection

__all__ = [
    "Result",
    "follow_and_compare",
    "look_everywhere",
    "reconcile",
    "sync_connection",
    "sync_connections",
]
