"""Encrypted credentials on a row. The ciphertext is bound to the row's own random identity, so that it is
refused anywhere else."""

import json
import uuid

from sqlalchemy.orm import Mapped, mapped_column

from portal import crypto


def _new_uid() -> str:
    return uuid.uuid4().hex


class SecretMixin:
    """Adds `credentials` to a model. Decrypted values exist in memory only and are never printed."""

    __tablename__: str

    #: Random identity that the ciphertext is bound to; unique, so that it cannot be copied with the secret.
    uid: Mapped[str] = mapped_column(unique=True, default=_new_uid)
    #: AES-256-GCM ciphertext of a JSON object, or nothing.
    credentials: Mapped[str | None] = mapped_column(default=None)

    def _bound_to(self) -> str:
        if not self.uid:
            self.uid = _new_uid()
        return f"{self.__tablename__}:{self.uid}:credentials"

    def get_credentials(self) -> dict[str, str]:
        """All credentials, decrypted. Empty only when none were ever set; raises DecryptionError
        otherwise."""
        if not self.credentials:
            return {}
        plain = crypto.keyring().decrypt(self.credentials, self._bound_to())
        values: dict[str, str] = json.loads(plain)
        return values

    def set_credentials(self, values: dict[str, str]) -> None:
        """Replace all credentials; an empty dict removes them."""
        if not values:
            self.credentials = None
            return
        plain = json.dumps(values, sort_keys=True).encode()
        self.credentials = crypto.keyring().encrypt(plain, self._bound_to())

    def get_credential(self, key: str, default: str | None = None) -> str | None:
        """One credential, or `default` when it was never set. Raises DecryptionError when unreadable."""
        return self.get_credentials().get(key, default)

    def set_credential(self, key: str, value: str) -> None:
        """Set one credential and keep the others. Raises DecryptionError when the others cannot be read."""
        self.set_credentials({**self.get_credentials(), key: value})

    def has_credentials(self) -> bool:
        return bool(self.credentials)

    def reencrypt(self) -> bool:
        """Encrypt again with the primary key. True when something changed."""
        if not self.credentials or not crypto.keyring().needs_rotation(self.credentials):
            return False
        self.set_credentials(self.get_credentials())
        return True
