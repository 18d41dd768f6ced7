"""Ties a process to the one that started it, then becomes that process; run as a script, never imported.

`python -I -S tether.py PARENT SIGNAL COMMAND…`: the kernel sends SIGNAL when PARENT dies, also by kill -9. A
script rather than a preexec_fn, because the parent has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, number: int, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - there is no shell, on purpose
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
