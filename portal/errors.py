"""The exceptions every layer may raise. They carry a sentence for people, never a secret."""

from collections.abc import Mapping


class PortalError(Exception):
    """Base of all errors of ours. `message` says what happened, what was not done, and what to do next."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigError(PortalError):
    """A setting is missing or cannot be understood; nothing was started."""


class NotFoundError(PortalError):
    """The thing does not exist, or is not the caller's to see."""


class ConflictError(PortalError):
    """The request contradicts what is already stored; nothing was changed."""


class ValidationError(PortalError):
    """The input was refused; nothing was stored. `errors` has one reason per field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors.items()))
        self.errors = dict(errors)


class EmbeddedError(PortalError):
    """The embedded PostgreSQL or Redis cannot be used; the message says what to do."""
