"""Keeps one embedded server running for as long as anybody uses it; started as a script, never imported.

Users of the server hold a shared lock on NAME.users. The keeper restarts a server that dies, and stops it
when it can have that lock alone: after the last user has left or was killed. Standard library only: it is run
with `python -I -S`, so that it is up in 30 ms and takes little memory.
"""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
BACK_OFF = (0.2, 0.4, 0.8, 1.6)
STABLE_SECONDS = 30.0
LOG_LIMIT = 5_000_000


def detach() -> None:
    """Leave the terminal and the parent; the first process returns to whoever waits for it."""
    if os.fork():
        os._exit(0)
    os.setsid()


def try_lock(descriptor: int, seconds: float = 0) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)


def open_log(path: Path) -> int:
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def start_server(spec: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """Start the server so that it shuts down in order when this keeper is killed."""
    keeper = os.getpid()
    stop_signal = int(spec["stop_signal"])
    libc = ctypes.CDLL(None, use_errno=True)

    def tie_to_keeper() -> None:
        libc.prctl(PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != keeper:
            os._exit(1)

    log = open_log(Path(spec["log"]))
    try:
        return subprocess.Popen(
            spec["argv"],
            cwd=spec["cwd"],
            env=spec["env"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=spec["uid"],
            group=spec["gid"],
            extra_groups=[] if spec["uid"] is not None else None,
            preexec_fn=tie_to_keeper,  # noqa: PLW1509 - safe here: the keeper has one thread
        )
    finally:
        os.close(log)


def stop_server(server: "subprocess.Popen[bytes]", spec: dict[str, Any]) -> None:
    if server.poll() is None:
        server.send_signal(int(spec["stop_signal"]))
        try:
            server.wait(timeout=float(spec["stop_seconds"]))
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def keep(spec: dict[str, Any], users: int, status: Path) -> None:
    """Run the server until nobody uses it any more or this process is told to end."""
    ending: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: ending.append(number))
    failures = 0
    while not ending:
        server, started = start_server(spec), time.monotonic()
        status.write_text(json.dumps({"pid": server.pid, "failures": failures}))
        while server.poll() is None and not ending and not try_lock(users):
            time.sleep(0.1)
        if server.returncode is None:
            stop_server(server, spec)
            return
        failures = 0 if time.monotonic() - started > STABLE_SECONDS else failures + 1
        status.write_text(json.dumps({"pid": None, "failures": failures}))
        if try_lock(users, BACK_OFF[min(failures, len(BACK_OFF)) - 1]):
            return


def main(run_dir: Path, name: str) -> None:
    detach()
    os.umask(0o077)
    alive = os.open(run_dir / f"{name}.keeper", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    users = os.open(run_dir / f"{name}.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not try_lock(alive, seconds=2):
        return
    os.ftruncate(alive, 0)
    os.write(alive, f"{os.getpid()}\n".encode())
    spec = json.loads((run_dir / f"{name}.json").read_text(encoding="utf-8"))
    keep(spec, users, run_dir / f"{name}.status")
    # In this order: whoever gets the users lock must not mistake this keeper for a living one.
    os.close(alive)
    os.close(users)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
