"""The guard of conftest.py that keeps tests on this machine."""

import socket

import pytest

from tests.conftest import is_here


@pytest.mark.parametrize("address", ["/run/some.sock", ("127.0.0.1", 1), ("::1", 1, 0, 0), ("localhost", 1)])
def test_this_machine_is_allowed(address: object) -> None:
    assert is_here(address)


@pytest.mark.parametrize(
    "address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0), ("example.org", 443), ("", 1)]
)
def test_other_machines_are_not(address: object) -> None:
    assert not is_here(address)


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_connection_to_another_machine_fails_the_test(method: str) -> None:
    with socket.socket() as plug, pytest.raises(pytest.fail.Exception, match="only this machine is allowed"):
        getattr(plug, method)(("192.0.2.1", 80))
