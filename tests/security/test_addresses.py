"""Requests go to the exchange, over verified TLS, and nowhere else: whatever a connection's settings say."""

import ast
import json
import ssl
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.config import Settings
from portal.environ import ConfigError
from portal.exchanges import ccxt_http
from portal.exchanges.base import Credentials
from portal.exchanges.errors import ExchangeError
from portal.exchanges.registry import ExchangeSpec, open_exchange
from portal.models import ExecutionConnection, User
from portal.trading.types import ConnectionMode
from tests import world
from tests.visiting import visit

HOSTS = (
    "http://127.0.0.1", "http://localhost", "http://0.0.0.0", "http://[::1]", "http://[::ffff:127.0.0.1]",
    "http://2130706433", "http://0x7f000001", "http://0177.0.0.1", "http://127.1", "http://127.0.0.1.nip.example",
    "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]", "http://metadata.google.internal",
    "http://100.100.100.200", "http://10.0.0.1", "http://172.16.0.1", "http://192.168.0.1:6379",
    "http://[fe80::1%25eth0]", "http://[::]", "http://evil.example", "//evil.example", "https://user:pw@evil.example",
    "gopher://127.0.0.1:6379/_FLUSHALL", "file:///etc/passwd", "dict://127.0.0.1:11211/", "ftp://127.0.0.1",
    "unix:///var/run/redis.sock", "http://127.0.0.1:5432", "socks5://127.0.0.1:9050", "jar:http://evil.example!/",
)  # fmt: skip
#: What ccxt would take as a place to send requests to, or as leave to look less closely.
NAMES = (
    "urls", "hostname", "proxy", "proxyUrl", "httpProxy", "httpsProxy", "socksProxy", "wsProxy", "proxies",
    "aiohttp_proxy", "proxyUrlCallback", "http_proxy", "https_proxy", "baseUrl", "apiUrl", "test",
    "sandboxMode",
    "session", "verify", "validateServerSsl", "aiohttp_trust_env", "requests_trust_env", "cafile", "options",
    "headers", "userAgent", "origin", "rateLimit", "timeout", "verbose",
)  # fmt: skip


def addresses(value: Any) -> str:
    return json.dumps(value, default=str)


def opened(settings: dict[str, Any]) -> Any:
    spec = ExchangeSpec(
        exchange_name="bybit", mode=ConnectionMode.LIVE, settings=settings,
        credentials=Credentials({"apiKey": "k", "secret": "s"}),
    )  # fmt: skip
    return open_exchange(spec).session.client  # type: ignore[attr-defined]


def loosened(client: Any) -> list[str]:
    """What of the client would let a request go elsewhere or be looked at less closely."""
    names = (
        "proxy",
        "proxyUrl",
        "httpProxy",
        "httpsProxy",
        "socksProxy",
        "wsProxy",
        "aiohttp_proxy",
        "proxies",
    )
    found = [name for name in names if getattr(client, name, None)]
    found += [name for name in ("verify", "validateServerSsl") if getattr(client, name, True) is not True]
    found += [name for name in ("verbose", "aiohttp_trust_env") if getattr(client, name, False)]
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_s26_settings_of_a_connection_when_hostile_lead_no_request_elsewhere(host: str) -> None:
    plain, client = opened({}), opened(dict.fromkeys(NAMES, host) | {"defaultType": "spot"})
    assert addresses(client.urls) == addresses(plain.urls)
    assert (client.hostname, client.headers, client.options.get("defaultType")) == (
        plain.hostname, plain.headers, "spot",
    )  # fmt: skip
    assert loosened(client) == []
    assert host not in addresses({name: value for name, value in vars(client).items() if name != "session"})


@pytest.mark.parametrize("name", NAMES)
def test_s26_settings_of_a_connection_when_nested_reach_nothing(name: str) -> None:
    hostile = {"api": {"public": HOSTS[0], "private": HOSTS[10]}, "verify": False}
    client = opened({name: hostile})
    assert addresses(client.urls) == addresses(opened({}).urls)
    assert loosened(client) == []
    assert HOSTS[10] not in addresses(client.options)


@pytest.mark.parametrize("value", [*HOSTS, {"urls": HOSTS[0]}, [HOSTS[0]]])
def test_s26_option_that_reaches_the_library_takes_no_address(value: object) -> None:
    with pytest.raises(ExchangeError, match="Nothing was sent"):
        opened({"defaultType": value})


def test_s26_connection_form_has_no_field_for_an_address_and_ignores_one(app: Flask, alice: User) -> None:
    data = {
        "name": "Mine", "exchange_name": "bybit", "mode": "paper", "preset": "",
        "settings": json.dumps(dict.fromkeys(NAMES, HOSTS[0])), "base_url": HOSTS[0], "url": HOSTS[0],
    } | dict.fromkeys(NAMES, HOSTS[0])  # fmt: skip
    assert visit(app, alice).post("/connections/new", data).status_code == 302
    connection = world.db.session.scalars(world.sa.select(ExecutionConnection)).one()
    assert (connection.settings, connection.exchange_name) == ({}, "bybit")


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1", "../bybit", "bybit.evil", "__init__", "base", "bybit\n"]
)
def test_s26_exchange_whose_name_is_no_exchange_is_refused_before_anything_is_imported(name: str) -> None:
    with pytest.raises(Exception, match="does not know|not a known|No adapter|Nothing was sent"):
        open_exchange(
            ExchangeSpec(
                exchange_name=name, mode=ConnectionMode.LIVE, credentials=Credentials({"apiKey": "k"})
            )
        )


@pytest.mark.parametrize(
    "url",
    [
        "gopher://127.0.0.1", "file:///etc/passwd", "127.0.0.1", "//host", "http://", "javascript:alert(1)",
        "http://user:password@host", "http://host?x=1", "ftp://host", "",
    ],
)  # fmt: skip
def test_s26_operators_own_address_is_http_without_a_login_or_portico_does_not_start(url: str) -> None:
    environ = {
        "PORTAL_EXCHANGE_URLS": json.dumps({"bybit": url}),
        "PORTAL_SECRET_KEY": "x" * 40,
        "PORTAL_CREDENTIAL_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="PORTAL_EXCHANGE_URLS"):
        Settings.from_env(environ)


def test_s26_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    pool, _ = ccxt_http._POOLS.at("https://api.bybit.example/v5/time")
    assert pool.proxy is None
    assert pool.host == "api.bybit.example"


def test_s27_tls_is_verified_with_names_and_there_is_no_switch_against_it(settings: Settings) -> None:
    pool, _ = ccxt_http._POOLS.at("https://api.bybit.example/v5/time")
    context = pool.conn_kw.get("ssl_context")
    requirement = pool.cert_reqs if context is None else context.verify_mode  # type: ignore[attr-defined]
    assert requirement in {None, "CERT_REQUIRED", ssl.CERT_REQUIRED}
    assert pool.assert_hostname is not False  # type: ignore[attr-defined]
    names = " ".join(field.name for field in fields(settings))
    assert not any(word in names for word in ("verify", "insecure", "ssl", "tls"))


def test_s27_no_code_of_ours_switches_verification_off() -> None:
    root = Path(__file__).parents[2] / "portal"
    found = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in {"verify", "verify_ssl", "ssl", "cert_reqs"}:
                value = getattr(node.value, "value", "something")
                if value in (False, None, "CERT_NONE"):
                    found.append(f"{path.name}:{node.value.lineno}")
            if isinstance(node, ast.Attribute) and node.attr in {
                "CERT_NONE", "_create_unverified_context", "disable_warnings",
            }:  # fmt: skip
                found.append(f"{path.name}:{node.lineno}")
    assert found == []
