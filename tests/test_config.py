"""Settings are read strictly: what cannot be understood stops the start, with a sentence that names it."""

import base64
from pathlib import Path

import pytest

from portal.config import SECRET_FILES, Settings
from portal.embedded.secrets import ensure_secrets
from portal.errors import ConfigError

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()
COMPLETE = {
    "DATABASE_URL": "postgresql://portal:pg-password@db/portal",
    "REDIS_URL": "redis://:redis-password@cache:6379/0",
    "PORTAL_SECRET_KEY": "s" * 40,
    "PORTAL_CREDENTIAL_KEYS": f"{KEY}, {OTHER_KEY}",
}


def test_settings_when_complete_are_read_and_the_first_key_comes_first() -> None:
    settings = Settings.from_env(COMPLETE).require_complete()
    assert settings.database_url == "postgresql+psycopg://portal:pg-password@db/portal"
    assert settings.credential_keys == (KEY, OTHER_KEY)
    assert settings.live_trading is False
    assert settings.session_cookie_secure is False


def test_settings_never_show_a_secret() -> None:
    shown = repr(Settings.from_env(COMPLETE))
    for secret in ("pg-password", "redis-password", "s" * 40, KEY, OTHER_KEY):
        assert secret not in shown
    assert "portal:***@db" in shown


@pytest.mark.parametrize(
    ("text", "value"), [("TRUE", True), ("yes", True), ("1", True), ("off", False), ("", False)]
)
def test_boolean_when_spelled_usually_is_read(text: str, value: bool) -> None:
    assert Settings.from_env({"PORTAL_LIVE_TRADING": text}).live_trading is value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_LIVE_TRADING", "maybe"),
        ("PORTAL_LIVE_TRADING", "2"),
        ("PORTAL_WORKER_CONCURRENCY", "0"),
        ("PORTAL_WORKER_CONCURRENCY", "many"),
        ("PORTAL_WORKER_CONCURRENCY", "1.5"),
        ("PORTAL_EXCHANGE_TIMEOUT_SECONDS", "nan"),
        ("PORTAL_EXCHANGE_TIMEOUT_SECONDS", "-1"),
        ("PORTAL_ORDER_WINDOW_SECONDS", "inf"),
        ("PORTAL_TRUSTED_PROXIES", "-1"),
        ("PORTAL_LOG_LEVEL", "LOUD"),
        ("PORTAL_LOG_FORMAT", "xml"),
        ("PORTAL_PUBLIC_URL", "portal.example"),
        ("PORTAL_PUBLIC_URL", "https://portal.example/app"),
        ("PORTAL_EXCHANGE_URLS", "bybit=http://x"),
        ("PORTAL_EXCHANGE_URLS", '["http://x"]'),
        ("PORTAL_EXCHANGE_URLS", '{"bybit": 9000}'),
        ("PORTAL_EXCHANGE_URLS", '{"bybit": "ftp://x"}'),
        ("PORTAL_EXCHANGE_URLS", '{"bybit": "http://x/api"}'),
        ("PORTAL_EXCHANGE_URLS", '{"bybit": "http://user@x"}'),
        ("PORTAL_EXCHANGE_URLS", '{"bybit": "http://x:99999"}'),
        ("PORTAL_SECRET_KEY", "short"),
        ("PORTAL_CREDENTIAL_KEYS", "not base64"),
        ("PORTAL_CREDENTIAL_KEYS", base64.b64encode(b"k" * 16).decode()),
        ("PORTAL_CREDENTIAL_KEYS", f"{KEY},{KEY}"),
        ("DATABASE_URL", "sqlite:///portal.db"),
        ("REDIS_URL", "memcached://x"),
    ],
)
def test_value_that_cannot_be_understood_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({name: value})
    assert name in caught.value.message


@pytest.mark.parametrize("name", ["PORTAL_SECRET_KEY", "PORTAL_CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_refusal_of_a_secret_does_not_repeat_it(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({name: "hunter2"})
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("missing", ["PORTAL_SECRET_KEY", "PORTAL_CREDENTIAL_KEYS"])
def test_secret_when_missing_with_an_own_database_is_an_error_without_default(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing} is not set.*{missing}_FILE"):
        Settings.from_env({name: value for name, value in COMPLETE.items() if name != missing})


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL"])
def test_settings_without_an_address_are_not_complete(missing: str) -> None:
    settings = Settings.from_env({name: value for name, value in COMPLETE.items() if name != missing})
    with pytest.raises(ConfigError, match=f"{missing} is not set.*portal up"):
        settings.require_complete()


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_secret_may_come_from_a_file_but_not_from_two_places(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(COMPLETE[name] + "\n")
    by_file = {key: value for key, value in COMPLETE.items() if key != name} | {f"{name}_FILE": str(file)}
    assert Settings.from_env(by_file) == Settings.from_env(COMPLETE)
    with pytest.raises(ConfigError, match=f"{name} and {name}_FILE are both set"):
        Settings.from_env(COMPLETE | {f"{name}_FILE": str(file)})
    file.unlink()
    with pytest.raises(ConfigError, match=f"{name}_FILE names .* cannot be read"):
        Settings.from_env(by_file)


def test_exchange_urls_are_kept_as_scheme_and_host_and_cannot_be_changed() -> None:
    settings = Settings.from_env({"PORTAL_EXCHANGE_URLS": '{"bybit": "http://127.0.0.1:9000/"}'})
    assert dict(settings.exchange_urls) == {"bybit": "http://127.0.0.1:9000"}
    with pytest.raises(TypeError):
        settings.exchange_urls["bybit"] = "http://elsewhere"  # type: ignore[index]


def test_cookies_are_secure_exactly_behind_https() -> None:
    assert Settings.from_env({"PORTAL_PUBLIC_URL": "https://portal.example"}).session_cookie_secure
    assert not Settings.from_env({"PORTAL_PUBLIC_URL": "http://portal.example"}).session_cookie_secure


def test_embedded_secrets_are_made_once_for_the_owner_alone_and_read_back(tmp_path: Path) -> None:
    environ = {"PORTAL_DATA_DIR": str(tmp_path / "var")}
    assert Settings.from_env(environ).secrets == ()
    ensure_secrets(tmp_path / "var")
    first = Settings.from_env(environ)
    ensure_secrets(tmp_path / "var")
    assert Settings.from_env(environ) == first
    assert first.require_secrets().secret_key != first.credential_keys[0]
    for relative in SECRET_FILES.values():
        path = tmp_path / "var" / relative
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert len(list(path.parent.iterdir())) == 2


def test_secret_from_the_environment_wins_over_the_stored_one(tmp_path: Path) -> None:
    ensure_secrets(tmp_path)
    settings = Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_SECRET_KEY": "mine" * 10})
    assert settings.secret_key == "mine" * 10
    assert settings.credential_keys
