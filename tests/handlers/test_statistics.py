"""The sums of a process: handshakes, connections, errors, callbacks."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from c10kws.handlers import start as handler_start
from c10kws.handlers.kernel_bytes import bytes_of
from c10kws.handlers.statistics import (
    BUCKETS,
    MAX_ENDPOINTS,
    Statistics,
    Totals,
    label_of_code,
    outcome_of,
)
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

#: Modules that count.
PLACES = (
    "c10kws.handlers.connection_log",
    "c10kws.handlers.start",
    "c10kws.views.decorator",
    "c10kws.refusals",
)


@pytest.fixture
def sums(monkeypatch: pytest.MonkeyPatch) -> Iterator[Statistics]:
    """Sums that begin with this test."""
    sums = Statistics()
    for place in PLACES:
        monkeypatch.setattr(sys.modules[place], "statistics", sums)
    return sums  # type: ignore[return-value]


@pytest.mark.parametrize("visible", [True, False])
def test_handshakes_by_outcome(
    live: LiveServer, settings: Any, sums: Statistics, visible: bool
) -> None:
    settings.C10KWS = {"CLOSE_REFUSED_HANDSHAKES": visible, "MAX_CONNECTIONS": 1}

    def refused(path: str, **options: Any) -> None:
        try:
            with live.connect(path, **options) as ws:
                closed_with(ws)
        except Exception as error:
            assert "HTTP" in str(error)  # noqa: PT017

    with live.connect("/ws/echo/") as ws:
        refused("/ws/echo/")
        ws.close()
    eventually(lambda: not live.server.connections)
    refused("/ws/permitted/")
    refused("/ws/unauthorized/")
    refused("/ws/no-such-view/")
    refused("/page/")
    refused("/ws/echo/", origin="http://elsewhere.test")
    with live.client() as client:
        client.get("/ws/echo/")
    expected = {"accepted": 1, "limited": 1, "forbidden": 1, "unauthorized": 1, "not_found": 1}
    eventually(lambda: sums.handshakes["origin"] and sums.handshakes["invalid"])
    assert dict(sums.handshakes) == expected | {"origin": 1, "invalid": 1}


def test_a_handshake_refused_late_is_not_accepted(
    live: LiveServer, sums: Statistics, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two handshakes took the last room at the same time."""
    settings.C10KWS = {"MAX_CONNECTIONS": 1}
    check = handler_start.HandlerStart.check_limits

    def check_on_the_loop(start: Any) -> None:
        if threading.current_thread().name == "live-server":
            check(start)

    monkeypatch.setattr(handler_start.HandlerStart, "check_limits", check_on_the_loop)
    with live.connect("/ws/echo/"), live.connect("/ws/echo/") as ws:
        assert closed_with(ws)[0] == 4429
    assert dict(sums.handshakes) == {"accepted": 1, "limited": 1}


def test_connections_by_endpoint_and_code(live: LiveServer, sums: Statistics) -> None:
    for code in (3000, 3007, 4001):
        with live.connect(f"/ws/closing/{code}/") as ws:
            assert closed_with(ws)[0] == code
    with live.connect("/ws/echo/") as ws:
        for text in ("a", "b"):
            ws.send(text)
            assert ws.recv(WAIT) == text
    with live.connect("/ws/failing/") as ws:
        ws.send("now")
        assert closed_with(ws)[0] == 1011
    eventually(lambda: sum(sums.closes.values()) == 5)
    assert sums.closes == {"3xxx": 2, "4xxx": 1, "1000": 1, "1011": 1}
    assert sums.ended["ws/closing/<int:code>/"] == Totals(3)
    assert sums.ended["ws/echo/"] == Totals(1, received=2, sent=2)
    assert sums.handler_errors == {"ws/failing/": 1}
    assert sums.bytes_received == 0  # detailed is False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the bytes of a socket")
def test_bytes_are_those_of_the_socket(live: LiveServer, sums: Statistics) -> None:
    sums.detailed = True
    with live.connect("/ws/echo/") as ws:
        ws.send("x" * 5000)
        assert ws.recv(WAIT) == "x" * 5000
    eventually(lambda: sums.bytes_received)
    assert 5000 < sums.bytes_received < 6000
    assert 5000 < sums.bytes_sent < 6000


def test_a_socket_without_counts() -> None:
    class Transport:
        def get_extra_info(self, name: str) -> None:
            return None

    assert bytes_of(Transport()) == (0, 0)


def test_the_number_of_endpoints_is_bounded() -> None:
    sums = Statistics()
    for number in range(MAX_ENDPOINTS + 5):
        sums.count_end(f"/{number}", 1000, Totals(1))
    assert len(sums.ended) == MAX_ENDPOINTS + 1
    assert sums.ended["other"].connections == 5
    sums.count_handler_error("/3")
    sums.count_handler_error("/999")
    assert sums.handler_errors == {"/3": 1, "other": 1}


def test_durations_are_counted_in_classes() -> None:
    sums = Statistics()
    for seconds in (0.0, BUCKETS[0], 0.02, 99.0):
        sums.count_callback("/a", seconds)
    counts = sums.callbacks["/a"].counts
    assert (counts[0], counts[4], counts[-1], sum(counts)) == (2, 1, 1, 4)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(302, "redirected"), (409, "refused"), (500, "failed"), (502, "failed"), (404, "not_found")],
)
def test_the_outcome_of_a_status(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome


@pytest.mark.parametrize(
    ("code", "label"), [(None, "1006"), (1000, "1000"), (1099, "1xxx"), (4999, "4xxx")]
)
def test_the_label_of_a_close_code(code: int | None, label: str) -> None:
    assert label_of_code(code) == label
