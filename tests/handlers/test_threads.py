"""The async ORM in handlers: side by side, on a bounded pool, and idle sockets hold nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPConnection

from django.db import connections

from tests.project import views
from tests.project.models import Row
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


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
        slow.send("2.5")  # longer than a thread stays idle with its connection
        fast.send("0")
        assert fast.recv(WAIT) == total
        assert slow.recv(WAIT) == total


def test_idle_sockets_hold_no_database_connection(
    live: LiveServer, open_connections: Callable[[], int]
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
    live: LiveServer, open_connections: Callable[[], int]
) -> None:
    with live.connect("/ws/whoami/") as ws:
        ws.recv(WAIT)
    page = HTTPConnection("127.0.0.1", live.port, timeout=WAIT)
    page.request("GET", "/page/")
    assert page.getresponse().read() == b"page"
    page.close()
    eventually(lambda: open_connections() == 0)
    assert connections  # this thread's own is not counted
