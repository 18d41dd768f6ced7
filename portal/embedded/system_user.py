"""PostgreSQL refuses to run as root: finds or makes the system user it runs as instead."""

import os
import pwd
import subprocess
from pathlib import Path

from portal.errors import EmbeddedError

NAME = "pgserver"


def postgres_identity(data: Path) -> tuple[int, int] | None:
    """The user and group that PostgreSQL must switch to; None when we are an ordinary user and may stay.

    Root keeps the owner of an existing data directory, else uses the system user `pgserver` and creates it if
    needed. Raises EmbeddedError when that fails, or when the data belongs to another ordinary user.
    """
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise EmbeddedError(
                f"{data} belongs to user {_name(owner.st_uid)}; nothing was started. "
                "Run Portico as the user who started it first, or choose another data dir (PORTAL_DATA_DIR)."
            )
        return None
    if owner is not None and owner.st_uid != 0:
        return owner.st_uid, _group(owner.st_uid, otherwise=owner.st_gid)
    entry = _find() or _create()
    return entry.pw_uid, entry.pw_gid


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
    try:
        reason = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
    except OSError as error:
        reason = str(error)
    entry = _find()  # also when somebody else created it at the same moment
    if entry is None:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and the system user {NAME} could not be created ({reason}); "
            "nothing was started. Run Portico as an ordinary user, or set DATABASE_URL."
        )
    return entry


def _group(uid: int, *, otherwise: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return otherwise


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
