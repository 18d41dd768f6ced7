"""Durability: an append-only file with the state after each event. A torn last line is dropped."""

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.orders import Fill, Order
from portal.exchanges.sandbox.records import account_record, fill_record, order_record

Record = dict[str, object]


class JournalBusyError(Exception):
    """Another process keeps its books in the same directory."""


class Journal:
    """One line per event, one `os.write` per line: what was answered survives a kill -9 of the process."""

    def __init__(self, directory: Path) -> None:
        # 0600: the practice secrets are in it.
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "journal.jsonl"
        self._descriptor: int | None = None
        self._lock = os.open(directory / "journal.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Freed by the kernel when the process ends, however it ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise JournalBusyError(
                f"Another practice exchange keeps its books in {directory}. Nothing was started; "
                "stop the other one or choose another directory."
            ) from None

    def read(self) -> list[Record]:
        """All whole lines. A line cut short by a crash can only be the last one."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1] if line]

    def start(self, snapshot: Iterable[Record]) -> None:
        """Replaces the file by a snapshot of the present, then appends to it."""
        fresh = self.path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for record in snapshot:
                file.write(_line(record))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def write(self, account: Account, orders: Iterable[Order], fills: Iterable[Fill]) -> None:
        self.append(
            {
                "account": account_record(account),
                "orders": [order_record(order) for order in orders],
                "fills": [fill_record(fill, account.account_id) for fill in fills],
            }
        )

    def append(self, record: Record) -> None:
        if self._descriptor is None:
            return
        os.write(self._descriptor, _line(record))

    def pause(self) -> None:
        """Stops appending; `start` begins again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def close(self) -> None:
        """Ends for good and lets another process use the directory."""
        self.pause()
        os.close(self._lock)


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
