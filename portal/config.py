"""Settings: everything an operator can set, read once from the environment and never changed afterwards.

Each field says its variable, its default and one sentence; docs/configuration.md is generated from that.
There are no default secrets. Starts nothing and writes nothing.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from portal import environ as read
from portal.errors import ConfigError

#: Where embedded mode keeps the two generated secrets, below the data dir.
SECRET_FILES = {
    "PORTAL_SECRET_KEY": Path("secrets/secret_key"),
    "PORTAL_CREDENTIAL_KEYS": Path("secrets/credential_keys"),
}
_UNSET: dict[str, Any] = {"database_url": None, "redis_url": None, "secret_key": "", "credential_keys": ()}


def _setting(
    env: str, reader: Callable[[str, str], Any], default: str | None, doc: str, *, secret: bool = False
) -> Any:
    def make_default() -> Any:
        return None if default is None else reader(env, default)

    metadata = {"env": env, "reader": reader, "default": default, "doc": doc, "secret": secret}
    return field(default_factory=make_default, metadata=metadata)


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Settings:
    """One process's configuration. Build it with `from_env`, or by keyword in tests."""

    data_dir: Path = _setting(
        "PORTAL_DATA_DIR", read.read_path, "var",
        "Directory for everything Portico keeps on disk: embedded PostgreSQL and Redis, secrets, locks.",
    )  # fmt: skip
    database_url: str | None = _setting(
        "DATABASE_URL", read.read_database_url, None,
        "PostgreSQL to use. Unset: an embedded PostgreSQL in the data dir.", secret=True,
    )  # fmt: skip
    redis_url: str | None = _setting(
        "REDIS_URL", read.read_redis_url, None,
        "Redis to use (no eviction, append-only on). Unset: an embedded Redis in the data dir.", secret=True,
    )  # fmt: skip
    secret_key: str = _setting(
        "PORTAL_SECRET_KEY", read.read_secret_key, None,
        "Signs sessions and client order ids; at least 32 characters, the same on every machine. Generated "
        "once with the embedded PostgreSQL, otherwise required.", secret=True,
    )  # fmt: skip
    secret_key_fallbacks: tuple[str, ...] = _setting(
        "PORTAL_SECRET_KEY_FALLBACKS", read.read_secret_keys, "",
        "Earlier secret keys, separated by commas: sessions that they signed go on. Remove them when "
        "PORTAL_SESSION_MAX_HOURS have passed.", secret=True,
    )  # fmt: skip
    credential_keys: tuple[str, ...] = _setting(
        "PORTAL_CREDENTIAL_KEYS", read.read_credential_keys, None,
        "Encrypt exchange credentials: base64 texts of 32 bytes, separated by commas. The first encrypts, "
        "all decrypt. Generated once with the embedded PostgreSQL, otherwise required.", secret=True,
    )  # fmt: skip
    live_trading: bool = _setting(
        "PORTAL_LIVE_TRADING", read.read_bool, "false",
        "Allow connections in `live` mode to trade. Without it they are denied with a plain reason.",
    )  # fmt: skip
    exchange_urls: Mapping[str, str] = _setting(
        "PORTAL_EXCHANGE_URLS", read.read_exchange_urls, "{}",
        "JSON from exchange name to a scheme and host that replace those of every API URL of that exchange.",
    )  # fmt: skip
    public_url: str = _setting(
        "PORTAL_PUBLIC_URL", read.read_web_url, "http://127.0.0.1:8000",
        "Address under which people reach the portal. With https:// cookies are sent over TLS only.",
    )  # fmt: skip
    trusted_proxies: int = _setting(
        "PORTAL_TRUSTED_PROXIES", read.read_int(0, 10), "0",
        "How many reverse proxies in front of the web process set X-Forwarded headers. 0 ignores them.",
    )  # fmt: skip
    session_idle_minutes: int = _setting(
        "PORTAL_SESSION_IDLE_MINUTES", read.read_int(1, 10_080), "720",
        "A login ends after so many minutes in which nothing was asked for.",
    )  # fmt: skip
    session_max_hours: int = _setting(
        "PORTAL_SESSION_MAX_HOURS", read.read_int(1, 8760), "168",
        "A login ends so many hours after it began, whatever happens.",
    )  # fmt: skip
    require_second_factor: str = _setting(
        "PORTAL_REQUIRE_SECOND_FACTOR", read.read_choice("none", "admins", "everyone"), "none",
        "Who must have a second factor: `none`, `admins` or `everyone`. Whoever lacks one sets it up before "
        "anything else.",
    )  # fmt: skip
    web_processes: int = _setting(
        "PORTAL_WEB_PROCESSES", read.read_int(1, 64), "1", "Web server processes of `portal web`.",
    )  # fmt: skip
    web_threads: int = _setting(
        "PORTAL_WEB_THREADS", read.read_int(1, 256), "8",
        "Requests that one web server process answers at once.",
    )  # fmt: skip
    worker_concurrency: int = _setting(
        "PORTAL_WORKER_CONCURRENCY", read.read_int(1, 256), "16",
        "Jobs that one worker process runs at once.",
    )  # fmt: skip
    exchange_timeout_seconds: float = _setting(
        "PORTAL_EXCHANGE_TIMEOUT_SECONDS", read.read_seconds(0.1, 120), "10",
        "Longest wait for one answer of an exchange.",
    )  # fmt: skip
    order_window_seconds: float = _setting(
        "PORTAL_ORDER_WINDOW_SECONDS", read.read_seconds(0.5, 60), "5",
        "How long after it was signed an exchange may still accept an order request.",
    )  # fmt: skip
    egress: str = _setting(
        "PORTAL_EGRESS", read.read_name, "default",
        "Name of the address under which this machine reaches exchanges. Machines with the same name share "
        "one budget of requests per exchange; give each address a name of its own.",
    )  # fmt: skip
    notify_private_hosts: tuple[str, ...] = _setting(
        "PORTAL_NOTIFY_PRIVATE_HOSTS", read.read_hosts, "",
        "IP addresses of this machine or its network that notifications may be sent to, separated by commas "
        "(a Gotify or ntfy of your own). All others inside are refused, whatever their names.",
    )  # fmt: skip
    max_order_notional: Decimal | None = _setting(
        "PORTAL_MAX_ORDER_NOTIONAL", read.read_limit, None,
        "Largest value of one entry, in the quote currency of its market. Unset: no limit. Connections may "
        "lower it for themselves.",
    )  # fmt: skip
    max_daily_notional: Decimal | None = _setting(
        "PORTAL_MAX_DAILY_NOTIONAL", read.read_limit, None,
        "Largest value of all entries of one connection in one quote currency per day (UTC). Unset: no "
        "limit. Connections may lower it for themselves.",
    )  # fmt: skip
    runaway_entries_per_minute: int = _setting(
        "PORTAL_RUNAWAY_ENTRIES_PER_MINUTE", read.read_int(1, 100_000), "300",
        "Entries per minute on one connection (half as many on one symbol there, twice as many signals to "
        "one user) above which a loop is assumed: trading is halted there until somebody resumes it.",
    )  # fmt: skip
    log_level: str = _setting(
        "PORTAL_LOG_LEVEL", read.read_choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO",
        "Least important log lines to keep: DEBUG, INFO, WARNING or ERROR.",
    )  # fmt: skip
    log_format: str = _setting(
        "PORTAL_LOG_FORMAT", read.read_choice("text", "json"), "text",
        "`text` for people, `json` for machines.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, unset in _UNSET.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, unset)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every variable. Raises ConfigError with a sentence for the first one that cannot be used.

        With DATABASE_URL unset the two secrets may still be empty: `portal.embedded` generates them.
        """
        values: dict[str, Any] = {}
        for item in fields(cls):
            env = item.metadata["env"]
            text = read.lookup(environ, env, or_file=item.metadata["secret"])
            if text is not None:
                values[item.name] = item.metadata["reader"](env, text)
        settings = cls(**values)
        if settings.database_url is None:
            return settings.with_stored_secrets()
        return settings.require_secrets()

    @property
    def session_cookie_secure(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never reach a log line or a page."""
        return tuple(
            secret
            for secret in (self.secret_key, *self.secret_key_fallbacks, *self.credential_keys)
            if secret
        )

    def require_secrets(self) -> Self:
        """These settings. Raises ConfigError when a secret is missing."""
        required = {"PORTAL_SECRET_KEY": self.secret_key, "PORTAL_CREDENTIAL_KEYS": self.credential_keys}
        for env, value in required.items():
            if not value:
                raise ConfigError(
                    f"{env} is not set, and there is no default on purpose. Set it or {env}_FILE; "
                    "`openssl rand -base64 32` prints a good value. Nothing was started."
                )
        return self

    def require_complete(self) -> Self:
        """These settings. Raises ConfigError unless database, Redis and both secrets are known."""
        for env, value in {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}.items():
            if value is None:
                raise ConfigError(
                    f"{env} is not set. Set it, or use `portal up`, which brings its own server. "
                    "Nothing was started."
                )
        return self.require_secrets()

    def with_stored_secrets(self) -> Self:
        """These settings, with the secrets that embedded mode keeps in the data dir where none is set."""
        stored: dict[str, Any] = {}
        for item in fields(self):
            env = item.metadata["env"]
            path = self.data_dir / SECRET_FILES[env] if env in SECRET_FILES else None
            if path is not None and not getattr(self, item.name) and path.exists():
                text = read.lookup({f"{env}_FILE": str(path)}, env, or_file=True)
                stored[item.name] = item.metadata["reader"](env, text or "")
        return replace(self, **stored) if stored else self

    def __repr__(self) -> str:
        shown = (f"{item.name}={self._shown(item.name, item.metadata['secret'])}" for item in fields(self))
        return f"Settings({', '.join(shown)})"

    def _shown(self, name: str, secret: bool) -> str:
        value = getattr(self, name)
        if not secret or not value:
            return repr(value)
        return repr(read.mask_url(value)) if name.endswith("_url") else "'***'"
