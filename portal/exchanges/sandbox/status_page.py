"""The status page at `/` (placeholder until rendered)."""

from portal.exchanges.sandbox.call import Reply
from portal.exchanges.sandbox.control import Control


def render(control: Control) -> Reply:
    return Reply(200, b"ok", "text/plain")
