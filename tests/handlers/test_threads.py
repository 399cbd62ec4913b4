"""The async ORM in handlers: side by side, on a bounded pool, and idle sockets hold nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection

import pytest

from c10kws import WebSocket
from c10kws_tornado import pool
from tests.project import views
from tests.project.frames_views import PLAIN, play
from tests.project.models import Row
from tests.support.accounts import cookies, logged_in
from tests.support.database import OpenConnections
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread is idle sooner."""
    monkeypatch.setattr(pool, "IDLE_AFTER", 0.1)


def handler_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "c10kws-handler" in thread.name]


def test_a_hundred_handlers_at_a_barrier_reach_the_pools_size(
    make_live: Callable[..., LiveServer],
) -> None:
    live = make_live(threads=8)
    views.barrier = views.Barrier()
    with ExitStack() as stack:
        sockets = [stack.enter_context(live.connect("/ws/at-barrier/")) for _ in range(100)]
        eventually(lambda: views.barrier.most == 8)
        views.barrier.gate.set()
        assert {ws.recv(WAIT) for ws in sockets} == {"through"}
    assert views.barrier.most == 8


def test_an_aiterator_reads_every_row_though_its_handler_pauses(live: LiveServer) -> None:
    Row.objects.bulk_create([Row(number=number) for number in range(6000)])
    total = str(sum(range(6000)))
    with live.connect("/ws/rows/") as slow, live.connect("/ws/rows/") as fast:
        slow.send("0.4")  # longer than a thread stays idle with its connection
        fast.send("0")
        assert fast.recv(WAIT) == total
        assert slow.recv(WAIT) == total


def test_idle_sockets_hold_no_database_connection(
    live: LiveServer, open_connections: OpenConnections
) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(live.connect("/ws/count-rows/")) for _ in range(50)]
        for ws in sockets:
            ws.send("?")
        assert {ws.recv(WAIT) for ws in sockets} == {"0"}
        assert handler_threads()
        eventually(lambda: open_connections() == 0)
        sockets[0].send("?")
        assert sockets[0].recv(WAIT) == "0"


def test_pages_and_handshakes_leave_no_connection_behind(
    live: LiveServer, open_connections: OpenConnections
) -> None:
    with live.connect("/ws/whoami/", additional_headers=cookies(logged_in("ann"))) as ws:
        assert ws.recv(WAIT) == "ann"
    eventually(lambda: open_connections() == 0)
    handshakes = open_connections.total
    assert handshakes
    page = HTTPConnection("127.0.0.1", live.port, timeout=WAIT)
    page.request("GET", "/large/")
    assert page.getresponse().read(1) == b"0"
    page.close()
    eventually(lambda: open_connections() == 0)
    assert open_connections.total > handshakes


def test_a_thread_that_ends_closes_its_connection_though_a_handler_is_busy(
    live: LiveServer, open_connections: OpenConnections
) -> None:
    async def handler(ws: WebSocket) -> None:
        await ws.write_message(str(await Row.objects.acount()))
        await asyncio.Event().wait()

    play(handler)
    with live.connect(PLAIN) as ws:
        assert ws.recv(WAIT) == "0"
        assert open_connections() == 1
        live.stop(timeout=0.0)
    live.server.pool.shutdown(wait=True)
    assert open_connections() == 0
