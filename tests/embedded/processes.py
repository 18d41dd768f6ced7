"""Looks at processes from outside, for tests of what must not be left running."""

import contextlib
import os
import signal
from pathlib import Path

from tests.helpers import eventually


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def mentioning(text: str) -> dict[int, str]:
    """Living processes whose command line, or whose environment, contains `text`; without this one."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environ = (folder / "environ").read_bytes().decode(errors="replace")
            pid = int(folder.name)
            if text in command + environ and pid != os.getpid() and alive(pid):
                found[pid] = command
    return found


def nothing_left(data_dir: Path) -> None:
    """No process of this data dir is left, apart from one that is just returning from main()."""
    eventually(lambda: mentioning(str(data_dir)) == {}, timeout=1, what=f"left: {mentioning(str(data_dir))}")


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
