"""The wire: what was handed to the network is known exactly, and nothing is repeated, redirected or
remembered.
"""

import gzip
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import requests

from portal.exchanges.ccxt_http import WindowPassedError, Wire

#: Hard to compress, so that it comes in many pieces.
LARGE = bytes(random.Random(1).choices(b"0123456789abcdef", k=700_000))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, Any, bytes]]] = []
    peers: ClassVar[set[tuple[str, int]]] = set()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, self.headers, body))
        self.peers.add(self.client_address)
        moved = self.path.startswith("/moved")
        large = self.path.startswith("/large")
        content = gzip.compress(LARGE) if large else b'{"ok": true}'
        self.send_response(307 if moved else 200)
        if large:
            self.send_header("Content-Encoding", "gzip")
        if moved:
            self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "who=you; Path=/")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Handler.seen.clear()
    Handler.peers.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def send(wire: Wire, url: str, method: str = "POST", **changes: Any) -> Any:
    return wire.request(
        method, url, **{"data": b"a=1", "headers": {"X": "1", "Y": None}, "timeout": 2.0, **changes}
    )


def test_a_request_arrives_once_as_it_was_signed(address: str) -> None:
    wire = Wire()
    wire.arm()
    response = send(wire, f"{address}/p?b=%7Bx%7D&a=%40")
    assert (response.status_code, response.text, wire.wrote) == (200, '{"ok": true}', True)
    [(method, path, headers, body)] = Handler.seen
    assert (method, path, headers["X"], headers["Y"], body) == (
        "POST",
        "/p?b=%7Bx%7D&a=%40",
        "1",
        None,
        b"a=1",
    )


def test_after_the_window_the_socket_is_not_opened(address: str) -> None:
    wire = Wire()
    wire.arm(datetime.now(UTC) - timedelta(milliseconds=1))
    with pytest.raises(WindowPassedError):
        send(wire, f"{address}/p")
    assert not wire.wrote
    assert not Handler.seen


def test_a_refused_connection_is_known_not_to_have_sent_anything() -> None:
    wire = Wire()
    wire.arm()
    with pytest.raises(requests.ConnectionError):
        send(wire, "http://127.0.0.1:9/p")
    assert not wire.wrote


def test_a_redirect_of_a_signed_request_is_not_followed(address: str) -> None:
    wire = Wire()
    with pytest.raises(requests.TooManyRedirects):
        send(wire, f"{address}/moved")
    assert [path for _, path, _, _ in Handler.seen] == ["/moved"]
    assert wire.wrote


def test_cookies_of_one_account_never_reach_another(address: str) -> None:
    send(Wire(), f"{address}/a")
    send(Wire(), f"{address}/b")
    assert [headers["Cookie"] for _, _, headers, _ in Handler.seen] == [None, None]


def test_only_a_get_that_is_known_to_be_harmless_counts_as_nothing_sent(address: str) -> None:
    wire = Wire()
    wire.arm(harmless=("/account/detail",))
    send(wire, f"{address}/account/detail", "GET", data=None)
    assert not wire.wrote
    send(wire, f"{address}/private/buy?amount=1", "GET", data=None)
    assert wire.wrote


def test_accounts_share_warm_connections_and_threads_do_not_mix_answers_up(address: str) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(25):
            wire = Wire()
            body = f"{number}-{turn}".encode()
            if send(wire, f"{address}/t", data=body).text != '{"ok": true}':
                wrong.append(body.decode())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(Handler.seen) == len({body for *_, body in Handler.seen}) == 200
    assert len(Handler.peers) <= 8


def test_a_large_compressed_answer_is_read_whole_and_the_connection_is_used_again(address: str) -> None:
    for _ in range(3):
        assert send(Wire(), f"{address}/large", "GET", data=None).content == LARGE
    assert len(Handler.peers) == 1


def test_a_body_in_parts_is_encoded(address: str) -> None:
    send(Wire(), f"{address}/f", data=None, files=(("nonce", (None, "1")), ("side", (None, "buy"))))
    [(_, _, headers, body)] = Handler.seen
    assert headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="side"\r\n\r\nbuy' in body.replace(b"Content-Type: text/plain\r\n", b"")
