"""What makes a password good enough, how one is made up, and how it is hashed. Stores nothing."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from argon2 import PasswordHasher
from argon2.profiles import RFC_9106_LOW_MEMORY
from zxcvbn import zxcvbn

from portal.errors import ValidationError

#: For every password that a person chooses on a page.
MIN_LENGTH = 12
#: Nothing shorter, not even when an operator insists.
FLOOR = 8
MAX_LENGTH = 128
#: What is given as one is read so far: more than any can have, also when its letters were taken apart, and no
#: more than the library that compares it takes.
READ_LENGTH = 4096
#: argon2id as RFC 9106 recommends where memory is short: 64 MiB, three passes, four lanes.
HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
#: Fewer guesses than this, and a stolen hash is a known password.
_ENOUGH_GUESSES = 10**8
#: What zxcvbn looks at; its time grows with the square of the length.
_JUDGED = 72
_OUR_WORDS = ("portico", "portal", "admin", "administrator", "trader", "trading", "password")
#: What must remain when the words that everybody knows are taken out.
_OWN_PART = 6


def check_password(password: str, email: str = "") -> None:
    """Raises ValidationError with the reason why nobody should choose this password."""
    reason = length_fault(password, MIN_LENGTH) or weakness(password, email)
    if reason:
        raise ValidationError({"password": reason})


def length_fault(password: str, least: int) -> str | None:
    """What is wrong with the length, or nothing. Characters count, of whatever kind."""
    if not least <= len(password) <= MAX_LENGTH:
        return f"must have {least} to {MAX_LENGTH} characters, had {len(password)}"
    return None


def weakness(password: str, email: str = "") -> str | None:
    """Why this password would be guessed soon, or nothing: it is on the list of common ones, follows a
    pattern such as a keyboard row, or is made of the address and the portal's own words. Asks nobody."""
    words = list(_known_words(email))
    rest = re.sub("|".join(re.escape(word) for word in words), "", password.lower())
    if len(re.sub(r"\W|_", "", rest)) < _OWN_PART:
        return "is made of your address and words of this portal; add something nobody knows"
    if zxcvbn(password[:_JUDGED], user_inputs=words)["guesses"] < _ENOUGH_GUESSES:
        return "is a common password or follows a simple pattern; three or four unrelated words are better"
    return None


def generate_password() -> str:
    """A password with 120 random bits."""
    return secrets.token_urlsafe(15)


def hash_password(password: str) -> str:
    """argon2id of the normalised password, as the login form checks it."""
    return HASHER.hash(unicodedata.normalize("NFKD", password))


def _known_words(email: str) -> Iterator[str]:
    address = email.strip().lower()
    local, _, domain = address.partition("@")
    # The longest first: what is taken out must not leave pieces of itself.
    found = {address, local, domain, *re.split(r"\W+", address), *_OUR_WORDS}
    yield from sorted((word for word in found if len(word) > 2), key=len, reverse=True)
