"""Encryption of credentials at rest: AES-256-GCM, bound to its row, several keys for rotation. The only
place that imports `cryptography`."""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

from portal.errors import PortalError

_EXTENSION = "portal_keyring"
_VERSION = "v1"
_NONCE_BYTES = 12


class DecryptionError(PortalError):
    """The stored secret cannot be read: wrong key, or the ciphertext belongs to another row."""


class Keyring:
    """Encrypts with the first key, decrypts with any. A ciphertext names its key: `v1.<key id>.<base64>`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are base64 of 32 random bytes each. Raises PortalError for anything else."""
        if not keys:
            raise PortalError("no credential key is configured; set PORTAL_CREDENTIAL_KEYS")
        raw = [_decode_key(key) for key in keys]
        self._keys = {_key_id(key): AESGCM(key) for key in raw}
        self.primary_id = _key_id(raw[0])
        self.install_key = hashlib.sha256(b"portico client order ids" + raw[-1]).digest()

    def __repr__(self) -> str:
        return f"Keyring({len(self._keys)} keys, primary {self.primary_id})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the first one first."""
        return tuple(self._keys)

    def encrypt(self, plaintext: bytes, bound_to: str) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.primary_id].encrypt(nonce, plaintext, bound_to.encode())
        return f"{_VERSION}.{self.primary_id}.{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, ciphertext: str, bound_to: str) -> bytes:
        """Raises DecryptionError; never returns an empty answer for something it could not read."""
        try:
            version, key_id, body = ciphertext.split(".")
            sealed = base64.b64decode(body, validate=True)
        except (ValueError, binascii.Error):
            raise DecryptionError("the stored credentials are not in a known format") from None
        if version != _VERSION or key_id not in self._keys:
            raise DecryptionError(
                f"the stored credentials were encrypted with key {key_id},"
                " which is not in PORTAL_CREDENTIAL_KEYS"
            )
        try:
            return self._keys[key_id].decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except InvalidTag:
            raise DecryptionError(
                "the stored credentials do not belong to this row or were changed outside Portico"
            ) from None

    def needs_rotation(self, ciphertext: str) -> bool:
        return not ciphertext.startswith(f"{_VERSION}.{self.primary_id}.")


def init_keyring(extensions: dict[str, object], keys: Sequence[str]) -> None:
    extensions[_EXTENSION] = Keyring(keys)


def keyring() -> Keyring:
    """The keyring of the current app."""
    ring: Keyring = current_app.extensions[_EXTENSION]
    return ring


def is_ciphertext(text: str) -> bool:
    """Whether `text` looks like something a keyring encrypted."""
    return text.startswith(f"{_VERSION}.")


def generate_key() -> str:
    """32 random bytes in base64: good for either secret of an installation."""
    return base64.b64encode(os.urandom(32)).decode()


def _decode_key(key: str) -> bytes:
    try:
        raw = base64.b64decode(key.strip(), validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise PortalError("each of PORTAL_CREDENTIAL_KEYS must be the base64 of exactly 32 bytes")
    return raw


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"portico key id" + key).hexdigest()[:8]
