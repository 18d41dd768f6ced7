"""Where a unix socket can live: its path is limited to 107 bytes, a data dir's is not."""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

from portal.errors import EmbeddedError

#: sockaddr_un has 108 bytes with the closing zero; PostgreSQL also makes NAME.lock beside the socket.
LONGEST = 102
PLAIN = re.compile(r"[\w./@+ -]+")


def socket_dir(preferred: Path, socket_name: str) -> Path:
    """`preferred` if the socket's path fits, else a short directory of this user's. Creates nothing."""
    # libpq takes a comma for the start of the next host, so odd characters count as "does not fit" too.
    if len(os.fsencode(preferred / socket_name)) <= LONGEST and PLAIN.fullmatch(str(preferred)):
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"portico-{os.geteuid()}-{digest}"


def make_private(directory: Path, owner: int) -> None:
    """Make the directory, for `owner` alone. May be repeated.

    Raises EmbeddedError when it exists and somebody else may have planted it: /tmp is everybody's.
    """
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        found = directory.lstat()
        private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        if not private or found.st_uid not in {owner, os.geteuid()}:
            raise EmbeddedError(
                f"{directory} is not a private directory of ours; nothing was started. "
                "Remove it, or choose another data dir (PORTAL_DATA_DIR)."
            ) from None
    if directory.lstat().st_uid != owner:
        os.chown(directory, owner, -1)
