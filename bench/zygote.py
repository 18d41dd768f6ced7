"""`python -m bench.zygote SOCKET`: a process that has imported everything once and forks a portal process
per order, so that a restart costs a tenth of a second. It opens nothing: every child makes connections of
its own.

Requests and answers are lines of JSON. Ends, with all its children, when its maker goes.
"""

import ctypes
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import crash_points
from bench.publisher import publish
from portal import cli, create_app
from portal.config import Settings

PR_SET_PDEATHSIG = 1
_WARM = (
    "portal.exchanges.ccxt_adapter",
    "portal.jobs.worker",
    "portal.jobs.schedule",
    "portal.jobs.executions",
)


def main(link: socket.socket) -> None:
    """Serve until the other end is closed."""
    create_app(Settings.from_env(), faces=False)
    for module in _WARM:
        importlib.import_module(module)
    waker, wakened = socket.socketpair()
    for each in (waker, wakened):
        each.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    _say(link, ready=os.getpid())
    requests = link.makefile("r")
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        selector.register(wakened, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is wakened:
                    wakened.recv(4096)
                elif line := requests.readline():
                    _fork(link, json.loads(line))
                else:
                    return
            _bury(link)


def _fork(link: socket.socket, request: Mapping[str, Any]) -> None:
    if pid := os.fork():
        _say(link, started=pid)
        return
    code = 1
    try:
        link.close()
        _settle_in(request)
        code = _run(request)
    except BaseException:  # noqa: BLE001 - a forked child must not return into the loop of its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _settle_in(request: Mapping[str, Any]) -> None:
    """A session, an output and signals of its own; gone when the zygote goes."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(request["env"])


def _run(request: Mapping[str, Any]) -> int:
    if request["strike"]:
        crash_points.arm(crash_points.Strike(**request["strike"]), request["witness"])
    name, *arguments = request["arguments"]
    own: dict[str, Callable[[str], int]] = {"publish": publish}
    if name in own:
        return own[name](*arguments)
    cli.main(args=[name, *arguments], standalone_mode=False)
    return 0


def _bury(link: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _say(link, ended=pid, code=os.waitstatus_to_exitcode(status))


def _say(link: socket.socket, **words: int) -> None:
    link.sendall(json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    Path("/proc/self/comm").write_text("zygote")
    main(socket.socket(fileno=int(sys.argv[1])))
