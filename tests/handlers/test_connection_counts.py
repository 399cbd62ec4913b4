"""Limits of the open WebSockets: in all, for each address and for each user."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from c10kws.conf import DEFAULTS
from c10kws.handlers.connection_counts import (
    ConnectionCounts,
    Holder,
    TooManyConnections,
    network_of,
)
from c10kws.handlers.servers import KEY
from tests.support.accounts import cookies, logged_in
from tests.support.peers import closed_next
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


def from_address(address: str) -> dict[str, Any]:
    """Return options of a client whose proxy, which is trusted, reports an address."""
    return {"additional_headers": {"X-Forwarded-For": address}}


def echo(ws: ClientConnection) -> None:
    ws.send("x")
    assert ws.recv(WAIT) == "x"


def counts_of(live: LiveServer) -> ConnectionCounts:
    counts: ConnectionCounts = live.server._resources.state[KEY].counts
    return counts


def is_empty(counts: ConnectionCounts) -> bool:
    return not (counts._holders or counts._addresses or counts._users)


def test_a_full_server_answers_503(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"MAX_CONNECTIONS": 2}
    text = "Too many connections: MAX_CONNECTIONS is 2. Try again later."
    with live.connect("/ws/echo/") as first, live.connect("/ws/echo/") as second:
        echo(first)
        echo(second)
        with pytest.raises(InvalidStatus) as refused:
            live.connect("/ws/echo/")
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"
        assert refused.value.response.body == f"{text}\n".encode()
        echo(first)
    line = f"WebSocket refused: /ws/echo/: {text}"
    assert ("c10kws", logging.WARNING, line) in caplog.record_tuples
    eventually(lambda: is_empty(counts_of(live)))
    with live.connect("/ws/echo/") as ws:
        echo(ws)


def test_an_address_that_has_too_many_gets_a_close(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MAX_CONNECTIONS_PER_ADDRESS": 1}
    one = from_address("192.0.2.1")
    with live.connect("/ws/echo/", **one) as first:
        echo(first)
        with live.connect("/ws/echo/", **one) as refused:
            assert closed_next(refused) == (4429, "too many connections from your address")
        with live.connect("/ws/echo/", **from_address("192.0.2.2")) as other:
            echo(other)
        with live.connect("/ws/echo/") as proxy:  # which is a client itself
            echo(proxy)
    eventually(lambda: is_empty(counts_of(live)))
    with live.connect("/ws/echo/", **one) as ws:
        echo(ws)


def test_a_forged_address_does_not_count(
    make_live: Callable[..., LiveServer], settings: Any
) -> None:
    settings.C10KWS = {"MAX_CONNECTIONS_PER_ADDRESS": 1}
    live = make_live(trusted_proxies=())
    with live.connect("/ws/echo/", **from_address("192.0.2.1")) as first:
        echo(first)
        with live.connect("/ws/echo/", **from_address("192.0.2.2")) as forged:
            assert closed_next(forged)[0] == 4429


def test_the_http_response_stays_if_closes_are_off(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MAX_CONNECTIONS_PER_ADDRESS": 1, "CLOSE_REFUSED_HANDSHAKES": False}
    with live.connect("/ws/echo/") as first:
        echo(first)
        with pytest.raises(InvalidStatus, match="503"):
            live.connect("/ws/echo/")


@pytest.mark.parametrize("path", ["/ws/whoami/", "/ws/decorated-class/x/"])
def test_a_user_who_has_too_many_gets_a_close(live: LiveServer, settings: Any, path: str) -> None:
    """Django awaits the view of a class, so its user is counted after the 101."""
    settings.C10KWS = {"MAX_CONNECTIONS_PER_USER": 1}
    ann = {"additional_headers": cookies(logged_in("ann"))}
    bob = {"additional_headers": cookies(logged_in("bob"))}
    with live.connect("/ws/echo/", **ann) as first, live.connect("/ws/echo/") as anonymous:
        echo(first)
        echo(anonymous)
        with live.connect(path, **ann) as refused:
            assert closed_next(refused) == (4429, "too many connections of this user")
        with live.connect(path) as other:
            other.recv(WAIT)
        with live.connect(path, **bob) as other:
            other.recv(WAIT)
        with live.connect("/ws/anonymous/", **ann) as unknown:  # its view does not load the user
            unknown.recv(WAIT)
    eventually(lambda: is_empty(counts_of(live)))


def test_handshakes_at_the_same_time_do_not_exceed_a_limit(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MAX_CONNECTIONS": 3}

    outcomes: list[bool] = []
    all_tried = threading.Event()

    def attempt(number: int) -> None:
        try:
            with live.connect("/ws/echo/") as ws:
                echo(ws)
                outcomes.append(True)
                all_tried.wait(WAIT)
        except (InvalidStatus, ConnectionClosed):
            outcomes.append(False)

    with ThreadPoolExecutor(12) as threads:
        for number in range(12):
            threads.submit(attempt, number)
        eventually(lambda: len(outcomes) == 12)
        assert outcomes.count(True) == len(counts_of(live)) == 3
        all_tried.set()
    eventually(lambda: is_empty(counts_of(live)))


def test_nothing_is_counted_without_limits(live: LiveServer) -> None:
    with live.connect("/ws/echo/") as ws:
        echo(ws)
        assert is_empty(counts_of(live))


def test_numbers_of_a_million_addresses_leave_nothing() -> None:
    """A thousand do as well."""

    async def scenario() -> None:
        counts, limits = ConnectionCounts(), replace(DEFAULTS, max_connections_per_address=2)
        tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(1000)]
        for number, task in enumerate(tasks):
            counts.enter(task, Holder(f"192.0.2.{number // 2}", number % 7))
        with pytest.raises(TooManyConnections):
            counts.check(Holder("192.0.2.1"), limits)
        counts.check(Holder(None), limits)  # the address of a unix socket
        for task in tasks:
            counts.leave(task)
            counts.leave(task)
        assert is_empty(counts)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", None),
        ("unknown", None),
    ],
)
def test_the_addresses_of_an_ipv6_network_count_together(address: str, network: str | None) -> None:
    assert network_of(address) == network
