"""The whole portal in real processes for browsers: web server, worker, scheduler, practice exchange,
PostgreSQL and Redis, each of them our own and gone when the block ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.children import until
from bench.floor import Floor, floor
from portal.embedded import ports
from portal.models import User
from portal.services.users import create_user

#: Quick, so that a lost answer is noticed while somebody looks.
TIMEOUT_SECONDS = "3"


class House:
    """An open portal; `here` acts as the machine room would."""

    def __init__(self, here: Floor) -> None:
        self.here = here
        self.base = f"http://127.0.0.1:{here.web_port}"
        self.sandbox = here.sandbox

    def open(self) -> None:
        """Start the processes and wait until each does its work."""
        self.here.child("web", "--port", str(self.here.web_port))
        self.here.child("scheduler")
        self.here.child("worker", "--concurrency", "8")
        until("The start of the worker", lambda: self.here.registered() >= 1, 60)
        until("The web server", lambda: ports.answers(self.here.web_port), 60)

    def person(self, email: str, role: str, password: str) -> User:
        return create_user(email, role, password, actor="tests")[0]


@contextmanager
def house(**env: str) -> Iterator[House]:
    """Open one; `env` is what its processes get beside the usual."""
    with floor(durable=False, seed=11) as here:
        here.env |= {"PORTAL_EXCHANGE_TIMEOUT_SECONDS": TIMEOUT_SECONDS} | env
        opened = House(here)
        opened.open()
        yield opened
