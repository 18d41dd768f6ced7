"""What pages and API cost beside a bare Flask route in the same gunicorn: one client, one connection."""

import http.client
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from bench.children import until
from bench.figures import Result, percentile
from bench.floor import Floor, floor
from portal.db import db
from portal.embedded import ports
from portal.models import TRADER, User
from portal.services.tokens import create_token
from portal.services.users import create_user

BASELINE = "a Flask route that returns {'ok': true}, in the same gunicorn process"
TRADER_EMAIL, PASSWORD = "trader@example.com", "bench-" + secrets.token_hex(8)
JSON = {"Content-Type": "application/json"}


class Browser:
    """One keep-alive connection with cookies."""

    def __init__(self, port: int) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}

    def send(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        """Status and text of the answer; the connection stays open."""
        cookies = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())} if self._cookies else {}
        self._link.request(method, path, body, {**cookies, **headers})
        answer = self._link.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.read().decode()

    def log_in(self) -> None:
        _, page = self.send("GET", "/login")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"email": TRADER_EMAIL, "password": PASSWORD, "csrf_token": token.group(1) if token else ""}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = self.send("POST", "/login", urlencode(form), headers)
        if status != 302:
            raise RuntimeError(f"the login was answered with {status}")


def run(count: int) -> list[Result]:
    """Milliseconds per request, `count` of each kind."""
    with floor() as here:
        create_user(TRADER_EMAIL, TRADER, PASSWORD, actor="bench")
        admin = db.session.get_one(User, here.admin_id)
        token = create_token(admin, ["signals:write"], actor="bench")
        db.session.remove()
        here.module("bench.webapp", str(here.web_port))
        until("The web server", lambda: ports.answers(here.web_port), 60)
        return [_measure(here, token, count)]


def _measure(here: Floor, token: str, count: int) -> Result:
    browser, api = Browser(here.web_port), Browser(here.web_port)
    headers = JSON | {"Authorization": f"Bearer {token}"}

    def signal(key: str) -> tuple[int, str]:
        body = {"currency_pair": "BTC/USDT", "direction": "buy", "dedupe_key": key}
        return api.send("POST", "/api/v1/signals", json.dumps(body), headers)

    bare = _times(count, lambda _: browser.send("GET", "/bare/"), 200)
    health = _times(count, lambda _: browser.send("GET", "/healthz"), 200)
    browser.log_in()
    page = _times(count, lambda _: browser.send("GET", "/"), 200)
    kinds = [
        ("GET /healthz", health),
        ("POST /api/v1/signals, new", _times(count, lambda n: signal(f"key-{n}"), 201)),
        ("POST /api/v1/signals, repeated", _times(count, lambda _: signal("key-0"), 200)),
        ("GET / of a trader", page),
    ]
    result = Result(f"Web ({count} requests each, one client)", BASELINE)
    for name, times in kinds:
        result.add(f"{name}: p50", percentile(times, 0.5), "ms", percentile(bare, 0.5))
        result.add(f"{name}: p99", percentile(times, 0.99), "ms", percentile(bare, 0.99))
    return result


def _times(count: int, send: Callable[[int], tuple[int, str]], expected: int) -> list[float]:
    """Milliseconds of `count` requests after the first, each answered with `expected`."""
    took = []
    for number in range(count + 1):
        began = time.perf_counter()
        status, text = send(number)
        took.append((time.perf_counter() - began) * 1000)
        if status != expected:
            raise RuntimeError(f"{status} instead of {expected}: {text[:200]}")
    return took[1:]
