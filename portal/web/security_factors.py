"""The second factor as this portal keeps it: seeds under the credential keys, each code once, recovery codes
as hashes, passkeys that ask for a finger or a PIN. No pages here."""

import hashlib
import secrets
from typing import Any

import sqlalchemy as sa
from flask import session
from flask_security import Totp, UserMixin, WebauthnUtil
from flask_security.recovery_codes import MfRecoveryCodesUtil
from passlib.exc import UsedTokenError
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal import crypto
from portal.db import db
from portal.models import User
from portal.models.user import SEED_ON_ITS_WAY
from portal.services import audit

#: Without signs that look alike.
_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS = 4


class OneTimeTotp(Totp):
    """Accepts each code once, and encrypts seeds with the credential keys from the first moment on."""

    def generate_totp_secret(self) -> str:
        # A mistyped code leads back to the beginning: the key that is in the app by then stays the key.
        begun = session.get("tf_totp_secret") if session.get("tf_state") == "validating_profile" else None
        if begun is not None:
            return str(begun)
        plain = str(self._totp.new().to_json(encrypt=False))
        return crypto.keyring().encrypt(plain.encode(), SEED_ON_ITS_WAY)

    def verify_totp(self, token: str, totp_secret: str, user: UserMixin, window: int = 0) -> bool:
        if not super().verify_totp(token, _opened(totp_secret), user, window):
            return False
        assert isinstance(user, User)  # noqa: S101 - Flask-Security knows no other
        if not crypto.is_ciphertext(totp_secret) and user.totp_seed == totp_secret:
            # A seed of the first release moves under the credential keys.
            plain = str(self._totp.from_source(totp_secret).to_json(encrypt=False))
            user.tf_totp_secret = crypto.keyring().encrypt(plain.encode(), SEED_ON_ITS_WAY)
        return True

    def get_totp_uri(self, username: str, totp_secret: str) -> str:
        return str(super().get_totp_uri(username, _opened(totp_secret)))

    def get_totp_pretty_key(self, totp_secret: str) -> str:
        return str(super().get_totp_pretty_key(_opened(totp_secret)))

    def get_totp_b32_key(self, totp_secret: str) -> str:
        return str(super().get_totp_b32_key(_opened(totp_secret)))

    def generate_recovery_codes(self, number: int) -> list[str]:
        groups = ["".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(number * _GROUPS)]
        return ["-".join(groups[at : at + _GROUPS]) for at in range(0, len(groups), _GROUPS)]

    def get_last_counter(self, user: UserMixin) -> int | None:
        counter: int | None = getattr(user, "totp_counter", None)
        return counter

    def set_last_counter(self, user: UserMixin, tmatch: Any) -> None:
        # In the database and in one statement: of two requests with the same code, the second waits for the
        # first and is refused.
        taken = db.session.execute(
            sa.update(User)
            .where(User.id == user.id)
            .where(sa.or_(User.totp_counter.is_(None), User.totp_counter < tmatch.counter))
            .values(totp_counter=tmatch.counter)
            .returning(User.id)
        ).scalar_one_or_none()
        if taken is None:
            raise UsedTokenError


class HashedRecoveryCodes(MfRecoveryCodesUtil):
    """Shown when they are made and never again: only hashes are stored. Each works once."""

    def create_recovery_codes(self, user: UserMixin) -> list[str]:
        codes: list[str] = super().create_recovery_codes(user)
        assert isinstance(user, User)  # noqa: S101 - Flask-Security knows no other
        audit.record(user, "portal.user.recovery_codes_made", "user", user.id)
        return codes

    def get_recovery_codes(self, user: UserMixin) -> list[str]:
        return []

    def check_recovery_code(self, user: UserMixin, code: str) -> bool:
        # Locked until the request commits: the same code in two requests works in one of them.
        db.session.refresh(user, with_for_update={"of": User})
        return _hash(code) in (user.mf_recovery_codes or [])

    def delete_recovery_code(self, user: UserMixin, code: str) -> bool:
        user.mf_recovery_codes = [kept for kept in user.mf_recovery_codes or [] if kept != _hash(code)]
        return True

    def _encrypt_codes(self, codes: list[str]) -> list[str]:
        return [_hash(code) for code in codes]


class PasskeyRules(WebauthnUtil):
    """A passkey instead of the password is two factors at once: the device, and a finger or PIN."""

    def authenticator_selection(self, user: UserMixin, usage: str) -> AuthenticatorSelectionCriteria:
        alone = usage == "first"
        return AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED if alone else ResidentKeyRequirement.DISCOURAGED,
            user_verification=_verification(alone=alone),
        )

    def user_verification(self, user: UserMixin | None, usage: list[str]) -> UserVerificationRequirement:
        return _verification(alone="secondary" not in usage)


def _verification(*, alone: bool) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.DISCOURAGED


def _opened(seed: str) -> str:
    if not crypto.is_ciphertext(seed):
        return seed
    return crypto.keyring().decrypt(seed, SEED_ON_ITS_WAY).decode()


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
