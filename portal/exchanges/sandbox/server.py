"""Starts and stops the practice exchange: blocking for `portal sandbox`, in a thread for tests."""

import asyncio
import logging
import signal
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from portal.exchanges.sandbox.client import SandboxControl
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.gateway import Gateway
from portal.exchanges.sandbox.journal import Journal, JournalBusyError
from portal.exchanges.sandbox.motion import save_prices
from portal.exchanges.sandbox.recovery import recover

log = logging.getLogger(__name__)

BACKLOG = 4096
MAX_BODY = 32 * 1024 * 1024
WALK_SECONDS = 1.0


class Service:
    """One running practice exchange inside an event loop."""

    def __init__(self, seed: int, data_dir: Path | None, walk: float) -> None:
        journal = Journal(data_dir) if data_dir is not None else None
        self.exchange = Exchange(seed, journal)
        self.control = Control(self.exchange)
        self._walk = walk
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens and returns the port. Raises OSError when the port is taken."""
        recover(self.exchange)
        server = web.Server(Gateway(self.control).handle, request_factory=_make_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, backlog=BACKLOG).start()
        self.control.motion.start_walk(self._walk, self.control.motion.volatility_bps)
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        self.control.motion.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self.exchange.journal is not None:
            save_prices(self.exchange)
            self.exchange.journal.close()


def _make_request(*parts: Any) -> web.BaseRequest:
    """A request whose body may be as large as a recording or a bulk of accounts."""
    message, payload, protocol, writer, task = parts
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)


class SandboxServer:
    """A practice exchange in a background thread. Prices stand still unless `walk` (seconds) is given.

    `with SandboxServer(seed=1) as sandbox: sandbox.url, sandbox.control.create_account()`
    """

    def __init__(
        self,
        seed: int = 0,
        port: int = 0,
        data_dir: Path | None = None,
        walk: float = 0.0,
        host: str = "127.0.0.1",
    ) -> None:
        self._seed = seed
        self._data_dir = data_dir
        self._walk = walk
        self._host = host
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox-exchange", daemon=True)
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}"

    @property
    def control(self) -> SandboxControl:
        return SandboxControl(self.url)

    def start(self) -> Self:
        """Returns when the exchange answers. Raises what prevented it, such as OSError for a taken port."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # handed over to start(), which raises it in the caller's thread
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        service = Service(self._seed, self._data_dir, self._walk)
        try:
            self.port = await service.start(self._host, self.port)
            self._ready.set()
            await self._stopping.wait()
        finally:
            await service.stop()


def run(
    port: int,
    host: str = "127.0.0.1",
    data_dir: Path | None = None,
    seed: int = 0,
    walk: float = WALK_SECONDS,
) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit code: 0 after a signal, 1 for a taken port."""
    try:
        asyncio.run(_serve_until_signal(port, host, data_dir, seed, walk))
    except JournalBusyError as error:
        log.error("%s", error)
        return 1
    except OSError as error:
        log.error(
            "The practice exchange could not listen on %s:%s (%s). Nothing was started; choose another port.",
            host,
            port,
            error.strerror or error,
        )
        return 1
    return 0


async def _serve_until_signal(port: int, host: str, data_dir: Path | None, seed: int, walk: float) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    service = Service(seed, data_dir, walk)
    try:
        bound = await service.start(host, port)
        log.info("Practice exchange ready at http://%s:%s", host, bound)
        await stopping.wait()
    finally:
        await service.stop()
