"""Clients that read Django's responses slowly."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from django.test import override_settings

from c10kws.management.server_options import server_options
from tests.support.database import OpenConnections
from tests.support.servers import LiveServer
from tests.support.waiting import eventually


def ask(live: LiveServer, path: str) -> socket.socket:
    """Send a request from a client with a small receive buffer, and wait for its first byte."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect(("127.0.0.1", live.port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: testserver\r\n\r\n".encode())
    assert client.recv(9) == b"HTTP/1.1 "
    return client


def test_an_http_response_holds_no_thread_and_no_database_connection(
    make_live: Callable[..., LiveServer], open_connections: OpenConnections
) -> None:
    live = make_live(threads=1)
    slow = [ask(live, "/large/") for _ in range(8)]
    eventually(lambda: open_connections() == 0)
    with ask(live, "/page/") as other:
        assert other.recv(3) == b"200"
    for client in slow:
        assert client.recv(3) == b"200"
        client.close()


@pytest.mark.parametrize(("value", "rate"), [(5, 5), (None, 0)])
def test_the_minimum_rate_is_a_setting(value: int | None, rate: int) -> None:
    with override_settings(C10KWS={"MIN_SEND_RATE": value}):
        assert server_options()["limits"].min_send_rate == rate
