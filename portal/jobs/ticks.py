"""`@tick`: a periodic job that runs once per tick, whoever asks and how often."""

import logging
import os
import socket
from collections.abc import Callable
from functools import wraps

from portal.jobs.periodic import PERIODIC
from portal.services import leases

logger = logging.getLogger(__name__)


def tick(function: Callable[[], object]) -> Callable[[], None]:
    """Let the first caller in each tick of the table run `function`; the others return at once."""
    name = function.__name__
    [entry] = [entry for entry in PERIODIC if entry.name == name]

    @wraps(function)
    def run() -> None:
        owner = f"{socket.gethostname()}:{os.getpid()}"
        taken = leases.take(name, entry.interval, owner, again_after=entry.again_after)
        if taken is None:
            logger.debug("%s already ran, or runs, in this tick", name)
            return
        function()
        leases.finish(name, taken)

    return run
