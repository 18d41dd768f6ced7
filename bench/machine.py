"""What the machine was like during a run: seconds mean little without it."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

Facts = dict[str, str | int | float | list[float]]


def facts() -> Facts:
    """Cores, processor, memory, versions and load, now."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _first("/proc/cpuinfo", "model name"),
        "memory_gb": round(int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6, 1),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "ccxt": version("ccxt"),
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def _first(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "0 unknown"
