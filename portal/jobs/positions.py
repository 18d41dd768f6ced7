"""Jobs about positions: ids in, nothing out."""

from portal.jobs.ticks import tick
from portal.services import closing, monitor
from portal.services.protection import job


@tick
def check_positions() -> None:
    monitor.check_positions()


def close_position(position_id: int) -> None:
    closing.run_close(position_id)


def protect_position(position_id: int) -> None:
    job.protect(position_id)


def protect_new_position(position_id: int) -> None:
    job.protect(position_id)
