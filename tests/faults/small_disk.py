"""A data dir that can run out of space. Where mounting is allowed it is a file system of its own, filled to
the last byte; elsewhere the kernel refuses the server every write to a file, which ends alike."""

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEGABYTES = 320


class SmallDisk:
    """`data_dir` lies on it. `fill` and `free` may be called while a PostgreSQL runs there."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="disk-"))
        self.is_real = _mount(self._folder)
        self.data_dir = self._folder / "var"

    def fill(self, server: int) -> None:
        """Leave no byte to `server`, which is PostgreSQL's first process."""
        if self.is_real:
            with (self._folder / "filler").open("wb", buffering=0) as filler:
                try:
                    while filler.write(b"\0" * 65536):
                        pass
                except OSError:
                    pass
            return
        _limit_files(server, 0)

    def free(self, server: int) -> None:
        """Give everything back to `server`, or to whatever was started in its place. May be repeated."""
        (self._folder / "filler").unlink(missing_ok=True)
        if not self.is_real:
            _limit_files(server, resource.RLIM_INFINITY)

    def close(self) -> None:
        if self.is_real:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def _mount(folder: Path) -> bool:
    if shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=755", "portico-test", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _limit_files(server: int, size: int) -> None:
    """For `server` and its children, as the user that they run as: the kernel asks for that, even of root."""
    with _as_owner_of(server):
        for pid in (server, *children(server)):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def _as_owner_of(pid: int) -> Iterator[None]:
    found = Path(f"/proc/{pid}").stat()
    ours = os.getresuid(), os.getresgid()
    if os.geteuid() == 0:
        os.setresgid(found.st_gid, found.st_gid, 0)
        os.setresuid(found.st_uid, found.st_uid, 0)
    try:
        yield
    finally:
        os.setresuid(*ours[0])
        os.setresgid(*ours[1])


def children(pid: int) -> list[int]:
    """Its child processes, as far as they still live."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
