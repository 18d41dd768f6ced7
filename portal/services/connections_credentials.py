"""Which credentials an exchange needs, and whether given ones can be right. Pure: keeps and prints
nothing."""

from collections.abc import Mapping

#: Every credential that any exchange takes.
KNOWN = (
    "apiKey", "secret", "password", "uid", "accountId", "login", "twofa", "privateKey", "walletAddress",
    "token",
)  # fmt: skip
_USUAL = ("apiKey", "secret")
_MOST = 10_000

#: Exchanges that want something else; a test holds this against the installed ccxt.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("apex", "bitget", "blofin", "coinbaseexchange", "deepcoin", "kucoin", "kucoinfutures", "myokx",
        "okx",
         "okxus", "weex"),
        ("apiKey", "secret", "password"),
    ),
    **dict.fromkeys(("aster", "grvt", "lighter", "pacifica", "polymarket"), ("privateKey",)),
    **dict.fromkeys(("blockchaincom", "mudrex"), ("secret",)),
    **dict.fromkeys(("derive", "hyperliquid", "nado", "paradex"), ("walletAddress", "privateKey")),
    **dict.fromkeys(("extended", "revolutx"), ("apiKey", "privateKey")),
    **dict.fromkeys(("modetrade", "woofipro"), ("apiKey", "secret", "accountId")),
    "coinmate": ("apiKey", "secret", "uid"),
    "cryptomus": ("secret", "uid"),
    "dydx": (),
    "hibachi": ("apiKey", "accountId", "privateKey"),
    "ndax": ("apiKey", "secret", "uid", "login", "password"),
    "onetrading": ("apiKey",),
}  # fmt: skip


def required(exchange_name: str) -> tuple[str, ...]:
    """Names of the credentials without which `exchange_name` answers nobody."""
    return REQUIRED.get(exchange_name, _USUAL)


def read_credentials(value: object, exchange_name: str) -> tuple[dict[str, str], str | None]:
    """The usable credentials, and the reason why they are not enough (or None). A reason never contains a
    value."""
    if not isinstance(value, Mapping):
        return {}, "must be an object with " + _list(required(exchange_name))
    reasons = []
    usable: dict[str, str] = {}
    for name, secret in value.items():
        if name not in KNOWN:
            reasons.append(f"{str(name)[:40]!r} is not known; known: {', '.join(KNOWN)}")
        elif secret is None or secret == "":
            continue
        elif (reason := _why_malformed(secret)) is not None:
            reasons.append(f"{name} {reason}")
        else:
            usable[name] = str(secret).strip()
    absent = [name for name in required(exchange_name) if not value.get(name)]
    if absent:
        reasons.append(f"{_list(absent)} {'is' if len(absent) == 1 else 'are'} missing")
    return usable, "; ".join(reasons) or None


def _why_malformed(secret: object) -> str | None:
    if not isinstance(secret, str):
        return "must be text"
    text = secret.strip()
    if not text:
        return "is blank"
    if len(text) > _MOST:
        return f"is longer than {_MOST} characters"
    if not text.isascii() or not text.replace("\n", "").replace("\r", "").isprintable():
        return "has characters that no key has; copy it again"
    return None


def _list(names: tuple[str, ...] | list[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
