"""The HTTP under every ccxt client: one pool of warm connections per process, no cookies, no redirects, no
retries.

It stands in for the `requests.Session` that ccxt would make per account (a socket and 0.1 MB each), raises
the same exceptions, and knows what ccxt does not tell: whether anything was handed to the wire, and what came
back last.
"""

import json
import logging
import os
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from urllib3.filepost import encode_multipart_formdata

from portal.exchanges.base import LastCheck

#: Idle connections kept per host: a worker's threads, not its accounts, decide how many are needed.
CONNECTIONS_PER_HOST = 64
_CHUNK = 1 << 16
_MOST_LEVELS = 4

# At DEBUG this logger writes whole URLs, and thirteen exchanges sign in the query string.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class WindowPassedError(Exception):
    """The order's `not_after` was reached before the socket was opened: nothing was sent."""


class _Pools:
    """Connection pools by origin. Thread-safe; a forked child starts with none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_origin: dict[str, urllib3.HTTPConnectionPool] = {}
        self._tls: ssl.SSLContext | None = None
        os.register_at_fork(after_in_child=self._forget)

    def at(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        """The pool for `url` and the target to ask it for."""
        slash = url.find("/", url.find("://") + 3)
        origin, target = (url, "/") if slash < 0 else (url[:slash], url[slash:])
        pool = self._by_origin.get(origin)
        return (pool or self._open(origin)), target

    def _open(self, origin: str) -> urllib3.HTTPConnectionPool:
        parts = urlsplit(origin)
        with self._lock:
            if origin in self._by_origin:
                return self._by_origin[origin]
            limits: dict[str, Any] = {"maxsize": CONNECTIONS_PER_HOST, "block": False, "retries": False}
            if parts.scheme == "https":
                self._tls = self._tls or ssl.create_default_context(cafile=certifi.where())
                pool: urllib3.HTTPConnectionPool = urllib3.HTTPSConnectionPool(
                    parts.hostname or "", parts.port, ssl_context=self._tls, **limits
                )
            else:
                pool = urllib3.HTTPConnectionPool(parts.hostname or "", parts.port, **limits)
            self._by_origin[origin] = pool
            return pool

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._by_origin = {}


_POOLS = _Pools()


class WireResponse:
    """The part of `requests.Response` that ccxt reads."""

    __slots__ = ("content", "encoding", "headers", "reason", "status_code")

    def __init__(self, status: int, reason: str, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status
        self.reason = reason
        self.headers = headers
        self.content = content
        self.encoding = "utf-8"

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise requests.HTTPError(f"{self.status_code} {self.reason}")


class _NoCookies:
    """ccxt clears the cookies before each request; there are none to clear."""

    def clear(self) -> None:
        return None


class Wire:
    """What one ccxt client uses as its session. Not for two threads at once.

    `arm()` before each call of an adapter method; afterwards `wrote` says whether a request that could place
    an order may have reached the network, and `response` is the last answer.
    """

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.cookies = _NoCookies()
        self.trust_env = False
        self.not_after: datetime | None = None
        self.last_check: LastCheck | None = None
        self.harmless: tuple[str, ...] = ()
        self.wrote = False
        self.response: WireResponse | None = None

    def arm(
        self,
        not_after: datetime | None = None,
        harmless: tuple[str, ...] = (),
        last_check: LastCheck | None = None,
    ) -> None:
        """Forget the previous call; from now on refuse to open a socket after `not_after`, and call
        `last_check` before one that could place an order. A GET whose URL contains one of `harmless` is known
        to place nothing; of others that is not assumed (Deribit places orders by GET).
        """
        self.not_after = not_after
        self.last_check = last_check
        self.harmless = harmless
        self.wrote = False
        self.response = None

    def note(self, method: str, url: str) -> None:
        """This request is about to be handed to the network."""
        self.wrote = self.wrote or not self._is_harmless(method, url)

    def _is_harmless(self, method: str, url: str) -> bool:
        return method == "GET" and any(part in url for part in self.harmless)

    def rows(self) -> int:
        """How many things the last answer listed, before ccxt dropped those that it was not asked for. 0
        for none.
        """
        return _most_rows(json.loads(self.response.text), 0) if self.response else 0

    def close(self) -> None:
        """ccxt calls this when a client goes. The connections belong to everybody and stay."""

    def request(
        self,
        method: str,
        url: str,
        *,
        data: bytes | str | None = None,
        headers: Mapping[str, Any],
        timeout: float,
        files: tuple[Any, ...] | None = None,
        **_unused: object,
    ) -> WireResponse:
        """Send once. Raises what `requests` would raise; proxies and `verify` are not switchable here."""
        sent_headers = {name: str(value) for name, value in headers.items() if value is not None}
        if files is not None:
            data, sent_headers["Content-Type"] = encode_multipart_formdata(
                {name: part[1] for name, part in files}
            )
        pool, target = _POOLS.at(url)
        if self.not_after is not None and datetime.now(UTC) >= self.not_after:
            raise WindowPassedError("the order's time window had passed before it could be sent")
        if self.last_check is not None and not self._is_harmless(method, url):
            self.last_check()
        before = self.wrote
        self.note(method, url)
        self.response = None
        try:
            self.response = _exchange(pool, method, target, data, sent_headers, timeout)
        except _NeverConnectedError as error:
            self.wrote = before
            raise error.as_requests from error
        if 300 <= self.response.status_code < 400:
            raise requests.TooManyRedirects("a signed request does not follow redirects")
        return self.response


class _NeverConnectedError(Exception):
    """No connection was made, so no byte of the request left this machine."""

    def __init__(self, as_requests: requests.RequestException) -> None:
        super().__init__(str(as_requests))
        self.as_requests = as_requests


def _exchange(
    pool: urllib3.HTTPConnectionPool,
    method: str,
    target: str,
    data: bytes | str | None,
    headers: dict[str, str],
    timeout: float,
) -> WireResponse:
    deadline = time.monotonic() + timeout
    try:
        answer = pool.urlopen(
            method,
            target,
            data,
            headers,
            retries=False,
            redirect=False,
            timeout=timeout,
            preload_content=False,
        )
        content = _read(answer, deadline)
    except requests.RequestException:
        raise  # ours, from _read
    except (
        urllib3.exceptions.ConnectTimeoutError
    ) as error:  # NewConnectionError (refused, no such host) is one
        raise _NeverConnectedError(requests.ConnectionError(type(error).__name__)) from error
    except urllib3.exceptions.TimeoutError as error:
        raise requests.ReadTimeout("no answer in time") from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError("TLS failed") from error
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise requests.ConnectionError(f"Connection aborted: {type(error).__name__}") from error
    return WireResponse(answer.status, answer.reason or "", answer.headers, content)


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The whole body, or ReadTimeout: a body that trickles must not hold a worker beyond the time-out."""
    parts: list[bytes] = []
    try:
        while part := answer.read1(_CHUNK):
            parts.append(part)
            if time.monotonic() > deadline:
                raise requests.ReadTimeout("the answer was not complete in time")
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return b"".join(parts)


def _most_rows(answer: Any, level: int) -> int:
    """The length of the longest list of objects in `answer`, or of the largest table of objects by id."""
    if level > _MOST_LEVELS or not isinstance(answer, (list, dict)):
        return 0
    inner = list(answer.values()) if isinstance(answer, dict) else answer
    own = len(inner) if all(isinstance(row, (dict, list)) for row in inner) else 0
    if isinstance(answer, dict) and level == 0:
        own = 0  # the envelope
    return max([own, *(_most_rows(part, level + 1) for part in inner if isinstance(part, (dict, list)))])
