"""A fence around what a message may reach: while a thread sends to an address that a user gave, it cannot
connect to this machine, its network or a cloud's metadata service, whatever the name resolves to.

The check sits where the connection is made (an audit hook of the interpreter), after names are resolved, so a
name that changes its address between check and use gains nothing."""

import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_state = threading.local()
_install = threading.Lock()
_installed = False


class Fence:
    """What a thread may not pass, and what it was refused. Another thread may cut what it has connected."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = frozenset(allowed)
        self.refused: str | None = None
        self._lock = threading.Lock()
        self._is_cut = False
        # Second handles: a socket is handed over to another object when it begins to encrypt.
        self._handles: list[int] = []

    def check(self, host: object, connecting: socket.socket | None = None) -> None:
        """Raise PermissionError for an address that is not public and was not allowed by the operator."""
        if str(host) not in self.allowed and not is_public(str(host)):
            self.refused = f"{host} is not a public address"
            raise PermissionError(self.refused)
        with self._lock:
            if self._is_cut:
                raise TimeoutError("the time for this message is over")
            if connecting is not None:
                self._handles.append(os.dup(connecting.fileno()))

    def cut(self) -> None:
        """End every connection that was made, and let no other be made."""
        with self._lock:
            self._is_cut = True
            for handle in self._handles:
                with socket.socket(fileno=handle) as connected, suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)
            self._handles.clear()

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            for handle in self._handles:
                os.close(handle)
            self._handles.clear()


@contextmanager
def inside(fence: Fence) -> Iterator[Fence]:
    """Inside, this thread connects only to what `fence` lets pass: public addresses, and what the operator
    allowed (literal IPs)."""
    _install_once()
    _state.fence = fence
    try:
        yield fence
    finally:
        _state.fence = None
        fence.close()


def is_public(host: str) -> bool:
    """Whether the literal IP address `host` belongs to the public internet. A text that is none does not."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast


def _install_once() -> None:
    global _installed  # noqa: PLW0603 - a hook stays for the life of the process
    with _install:
        if not _installed:
            sys.addaudithook(_hook)
            _installed = True


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto"):
        return
    fence: Fence | None = getattr(_state, "fence", None)
    if fence is not None:
        address = arguments[1]
        # Anything but (host, port, …) is a local socket.
        host = address[0] if isinstance(address, tuple) and address else "a local socket"
        fence.check(host, arguments[0] if event == "socket.connect" else None)  # type: ignore[arg-type]
