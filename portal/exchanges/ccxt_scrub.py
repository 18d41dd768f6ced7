"""Takes secrets out of what ccxt and venues say: its exceptions carry whole URLs, thirteen with signatures in
them.
"""

import re
from collections.abc import Iterable

_QUERY = re.compile(r"(https?://[^\s?\"']*)\?[^\s\"']*")
_NAMED = re.compile(
    r"(?i)(\b(?:signature|sign|apikey|api_key|api-key|accesskeyid|access_key|secret|password|passphrase|token|nonce)\b"
    r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]+"
)
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
_LIMIT = 300
HIDDEN = "•••"


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without query strings, signatures, long tokens and any of `secrets`, cut to a readable
    length.
    """
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, HIDDEN)
    text = _QUERY.sub(r"\1", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = _LONG.sub(HIDDEN, text)
    text = " ".join(text.split())
    return text if len(text) <= _LIMIT else f"{text[:_LIMIT]}…"
