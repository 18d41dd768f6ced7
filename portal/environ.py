"""Strict readers of environment values: one per type. A value that cannot be understood is a `ConfigError`
that names the variable; a secret never appears in a message. Knows no setting by name."""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from portal.errors import ConfigError

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


def lookup(environ: Mapping[str, str], name: str, *, or_file: bool) -> str | None:
    """The value of `name`, or the content of the file that `NAME_FILE` names; None when neither is set.

    An empty value counts as unset: compose files pass those. Raises ConfigError when both are set or the
    file cannot be read.
    """
    value = environ.get(name) or None
    path = environ.get(f"{name}_FILE") or None if or_file else None
    if path is None:
        return value
    if value is not None:
        raise ConfigError(f"{name} and {name}_FILE are both set. Keep one of them.")
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}_FILE names {path}, which cannot be read: {error}.") from error


def read_text(name: str, value: str) -> str:
    return value.strip()


def read_path(name: str, value: str) -> Path:
    return Path(value).expanduser()


def read_bool(name: str, value: str) -> bool:
    spelling = value.strip().lower()
    if spelling in TRUE | FALSE:
        return spelling in TRUE
    raise ConfigError(f"{name} must be true or false, was {value!r}.")


def read_choice(*choices: str) -> Callable[[str, str], str]:
    def read(name: str, value: str) -> str:
        for choice in choices:
            if value.strip().lower() == choice.lower():
                return choice
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, was {value!r}.")

    return read


def read_int(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        try:
            number = int(value.strip())
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ConfigError(f"{name} must be a whole number from {low} to {high}, was {value!r}.")
        return number

    return read


def read_limit(name: str, value: str) -> Decimal:
    """A positive amount of money."""
    try:
        amount = Decimal(value.strip())
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise ConfigError(f"{name} must be a positive number, was {value!r}. Leave it empty for no limit.")
    return amount


def read_name(name: str, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value.strip()):
        raise ConfigError(f"{name} must have 1 to 64 letters, digits, dots, - or _, was {value!r}.")
    return value.strip()


def read_seconds(low: float, high: float) -> Callable[[str, str], float]:
    def read(name: str, value: str) -> float:
        try:
            number = float(value.strip())
        except ValueError:
            number = low - 1
        if not low <= number <= high:  # NaN fails this comparison too
            raise ConfigError(f"{name} must be a number of seconds from {low:g} to {high:g}, was {value!r}.")
        return number

    return read


def read_database_url(name: str, value: str) -> str:
    scheme, separator, rest = value.strip().partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise ConfigError(
            f"{name} must start with postgresql://. Portico keeps its books in PostgreSQL only."
        )
    return f"postgresql+psycopg://{rest}"


def read_redis_url(name: str, value: str) -> str:
    if value.strip().split("://")[0] not in {"redis", "rediss", "unix"}:
        raise ConfigError(f"{name} must start with redis://, rediss:// or unix://.")
    return value.strip()


def read_web_url(name: str, value: str) -> str:
    """A scheme and host, with a port or not, and nothing behind them."""
    try:
        parts = urlsplit(value.strip())
        usable = parts.port != 0 and parts.scheme in {"http", "https"} and parts.hostname
    except ValueError:
        usable = None
    if not usable or parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(
            f"{name} must be http:// or https:// with a host and nothing behind it, was {mask_url(value)!r}."
        )
    return f"{parts.scheme}://{parts.netloc}"


def read_hosts(name: str, value: str) -> tuple[str, ...]:
    """Literal IP addresses; names could be pointed anywhere by whoever runs their DNS."""
    hosts = tuple(host.strip() for host in value.split(",") if host.strip())
    for host in hosts:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            raise ConfigError(f"{name} must be IP addresses separated by commas; {host!r} is none.") from None
    return hosts


def read_exchange_urls(name: str, value: str) -> Mapping[str, str]:
    try:
        table = json.loads(value)
    except ValueError as error:
        raise ConfigError(f'{name} must be JSON such as {{"bybit": "https://host"}}: {error}.') from error
    if not isinstance(table, dict) or not all(isinstance(url, str) for url in table.values()):
        raise ConfigError(f"{name} must be a JSON object from exchange name to URL.")
    return MappingProxyType({key: read_web_url(f"{name}[{key}]", url) for key, url in table.items()})


def read_secret_key(name: str, value: str) -> str:
    key = value.strip()
    if len(key) < 32:
        raise ConfigError(f"{name} must have at least 32 characters.")
    if re.search(r"change.?(me|this)", key.lower()):
        raise ConfigError(f"{name} is a placeholder. `openssl rand -base64 32` prints a good value.")
    return key


def read_secret_keys(name: str, value: str) -> tuple[str, ...]:
    return tuple(read_secret_key(name, key) for key in value.split(",") if key.strip())


def read_credential_keys(name: str, value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(",") if key.strip())
    for position, key in enumerate(keys, start=1):
        try:
            size = len(base64.b64decode(key, validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size != 32:
            raise ConfigError(f"{name}: key {position} of {len(keys)} is not the base64 text of 32 bytes.")
    if len(set(keys)) != len(keys):
        raise ConfigError(f"{name} has the same key twice.")
    return keys


def mask_url(url: str) -> str:
    """The URL with its password replaced, for messages and logs."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        user_info, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user_info.split(':')[0]}:***@{host}"))
    except ValueError:
        return "***"
