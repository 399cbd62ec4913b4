"""Long polls of the test project, over sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked
from tests.support.peers import Client, Response
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

PARK = "/longpoll/park/"
PLAY = "/longpoll/play/"
Live = Callable[..., LiveServer]


def connect(live: LiveServer) -> Client:
    return Client(socket.create_connection(("127.0.0.1", live.port)))


def send(client: Client, path: str, *headers: str, method: str = "GET") -> None:
    client.send("\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", "")))


def get(live: LiveServer, path: str = PLAY, *headers: str, method: str = "GET") -> Response:
    with connect(live) as client:
        send(client, path, *headers, method=method)
        return client.read_response(method)


def answered(live: LiveServer, answer: Callable[[Handler], object]) -> Response:
    """Send a poll, answer it from this thread, and return the response."""
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        eventually(lambda: live.server.pool.busy == 0)
        answer(handler)
        return client.read_response()


@contextmanager
def streamed(live: LiveServer, part: str) -> Iterator[tuple[Client, Handler]]:
    """Send a poll whose handler flushes a part of the response, and read this part."""
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        handler.write(part)
        handler.flush()
        client.read_head()
        assert client.read_chunk() == part.encode()
        yield client, handler


class Failure(Exception):
    pass


def fails(*args: Any) -> None:
    raise Failure("as told", *args)
