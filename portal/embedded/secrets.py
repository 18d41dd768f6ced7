"""The two secrets of an embedded installation: made once, kept in the data dir, for the owner alone."""

import contextlib
import os
import secrets
from pathlib import Path

from portal.config import SECRET_FILES
from portal.crypto import generate_key


def ensure_secrets(data_dir: Path) -> None:
    """Create the secrets that do not exist yet. May be repeated and raced: the first one to write wins."""
    for relative in SECRET_FILES.values():
        path = data_dir / relative
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            continue
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(generate_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails if the file exists by now, where a rename would replace a key that is already in use.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
