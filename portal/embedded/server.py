"""An embedded server as its users have it: a share that they take, renew and leave. What it is, how it is
launched and when it serves, its own module says."""

from abc import ABC, abstractmethod
from pathlib import Path

from portal.embedded.hold import Hold, Launch


class EmbeddedServer(ABC):
    """A share in the server `name` of one data dir, whose files are in the folder of that name."""

    def __init__(self, name: str, data_dir: Path) -> None:
        self._dir = data_dir.resolve() / name
        self._hold = Hold(name, data_dir.resolve(), self._prepare, self._is_ready)

    @property
    @abstractmethod
    def url(self) -> str:
        """Its address, for the library that talks to it."""

    @property
    def pid(self) -> int | None:
        """The process id of the running server; None while it is down."""
        return self._hold.server_pid

    def start(self) -> None:
        """Share the running server or start it. Raises EmbeddedError when it does not come up."""
        self._hold.acquire()

    def ensure(self) -> None:
        """Start it again if it was killed together with its keeper. May be repeated."""
        self._hold.ensure()

    def stop(self) -> None:
        """Leave it; it shuts down when nobody else uses it. May be repeated."""
        self._hold.release()

    @abstractmethod
    def _prepare(self) -> Launch: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...
