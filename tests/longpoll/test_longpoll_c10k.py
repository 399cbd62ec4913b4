"""Many long polls on one process, answered by one post, with the pool's threads and no more."""

from __future__ import annotations

import resource
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.support.database import OpenConnections
from tests.support.peers import connect
from tests.support.servers import LiveServer, server_threads
from tests.support.waiting import WAIT, eventually

#: Each has two descriptors in this process; some are left to everything else.
POLLS = min(1000, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) // 2)
THREADS = 8
GET = "GET {} HTTP/1.1\nHost: localhost\n\n"


def test_a_thousand_polls_are_answered_by_one_post(
    make_live: Callable[..., LiveServer], open_connections: OpenConnections
) -> None:
    others = server_threads()
    live = make_live(threads=THREADS)
    clients = [connect(live.port) for _ in range(POLLS)]
    for client in clients:
        client.send(GET.format("/longpoll/park/"))
    handlers = [parked.get(timeout=WAIT) for _ in clients]
    eventually(lambda: live.server.pool.busy == 0)
    assert live.server.requests == POLLS
    assert open_connections() == 0

    @stage
    def post(request: HttpRequest, handler: Handler) -> HttpResponse:
        for each in handlers:
            each.finish({"message": "Hello!"})
        return HttpResponse("posted")

    with connect(live.port) as poster:
        poster.send(GET.format("/longpoll/play/"))
        assert poster.read_response().body == b"posted"
    for client in clients:
        assert client.read_response().body == b'{"message": "Hello!"}'
        client.close()
    own = server_threads() - others
    assert len(own) <= THREADS
    assert not [thread for thread in own if "handler" in thread.name]
