"""A PostgreSQL address in between that cuts connections in the middle of COMMIT: before the server heard of
it, or after it has committed and before the client hears the answer."""

import random
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

SOCKET = ".s.PGSQL.5432"
#: Decides the fate of each COMMIT: None lets it pass.
Judge = Callable[[], str | None]


class CuttingProxy:
    """Forwards to the unix socket of `url`. `cuts` counts by kind; `share` of the COMMITs are cut, and the
    next one if `next_fate` says how."""

    def __init__(self, url: str, seed: int) -> None:
        self._behind = parse_qs(urlsplit(url).query)["host"][0]
        self._folder = tempfile.TemporaryDirectory(prefix="cut-")
        self.url = url.replace(quote(self._behind), quote(self._folder.name))
        self.share = 0.0
        self.next_fate: str | None = None
        self.cuts = {"before": 0, "after": 0}
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(Path(self._folder.name) / SOCKET))
        self._server.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(str(Path(self._behind) / SOCKET))
            link = _Link(client, behind, self._fate)
            threading.Thread(target=link.up, daemon=True).start()
            threading.Thread(target=link.down, daemon=True).start()

    def _fate(self) -> str | None:
        with self._lock:
            kind, self.next_fate = self.next_fate, None
            if kind is None and self._random.random() >= self.share:
                return None
            kind = kind or self._random.choice(("before", "after"))
            self.cuts[kind] += 1
            return kind


class _Link:
    """One connection of a client."""

    def __init__(self, client: socket.socket, behind: socket.socket, fate: Judge) -> None:
        self._client, self._behind, self._fate = client, behind, fate
        self._mute = False

    def up(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(65536):
                fate = self._fate() if b"COMMIT" in data else None
                if fate == "before":
                    break
                # The client hears nothing more; the server does what it was told, and then we hang up.
                self._mute = fate == "after"
                self._behind.sendall(data)
        if not self._mute:
            self._hang_up()

    def down(self) -> None:
        with suppress(OSError):
            while data := self._behind.recv(65536):
                if self._mute:
                    break
                self._client.sendall(data)
        self._hang_up()

    def _hang_up(self) -> None:
        for each in (self._client, self._behind):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
