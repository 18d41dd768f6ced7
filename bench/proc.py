"""CPU time and memory of other processes, read from /proc. Starts and changes nothing."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of living processes and of the children that they have buried."""
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in pids) / _TICK


def tree(root: int) -> list[int]:
    """`root` and everything that descends from it."""
    parents = {int(folder.name): _parent(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def resident_mb(pids: Iterable[int]) -> float:
    """Resident memory in MB."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * page / 1e6


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name of the program; zeros once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])
