"""Secrets that machines make and one person or program is shown once. Rows keep a hash; never log one."""

import hashlib
import secrets
from typing import ClassVar


class ShownOnce:
    """Makes the secret of a row, and what the row keeps of it in `token_hash`."""

    #: What every secret of the kind begins with.
    beginning: ClassVar[str] = ""

    @classmethod
    def generate(cls) -> str:
        """A new secret with 256 random bits."""
        return cls.beginning + secrets.token_urlsafe(32)

    @staticmethod
    def hash(token: str) -> str:
        """SHA-256, in hex. Without salt: nobody guesses 256 random bits."""
        return hashlib.sha256(token.encode()).hexdigest()
