"""Clients of the event protocol, and EventSockets for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from django.db import transaction
from websockets.sync.client import ClientConnection

from c10kws.events import EventSocket, ProgressBar, Socket, paths
from c10kws.events.frames.envelope import SUBPROTOCOL

from .servers import LiveServer
from .waiting import WAIT

Make = Callable[..., EventSocket]
MakeBar = Callable[..., ProgressBar]


def forget(endpoint: EventSocket) -> None:
    """Remove an EventSocket after a test: its path is free again, and its log has no thread."""
    paths.remove(endpoint)
    endpoint.failures.stop()


class Talk:
    """A client of version 0 or 1, by hand."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.version = 1 if connection.subprotocol else 0
        self.hello = self.receive() if connection.subprotocol else None

    def send(self, event: str, data: Any = None, **extra: Any) -> None:
        self.send_raw(json.dumps({"event": event, "data": data or {}, **extra}))

    def send_raw(self, text: str | bytes) -> None:
        self.connection.send(text)

    def receive(self) -> dict[str, Any]:
        frame = json.loads(self.connection.recv(WAIT))
        assert isinstance(frame, dict)
        return frame

    def expect(self, event: str) -> Any:
        """Return the data of the next frame, which is of this event."""
        frame = self.receive()
        assert frame["event"] == event, frame
        return frame["data"]

    def ask(self, event: str, data: Any = None) -> Any:
        """Return the data of the answer, or the error."""
        self.send(event, data, id=1)
        frame = self.receive()
        assert frame["re"] == 1
        return frame["data"]


#: Opens a connection to an EventSocket.
Connect = Callable[..., AbstractContextManager[Talk]]


def connector(live: LiveServer) -> Connect:
    """Return a function that connects clients to EventSockets on ``live``."""

    @contextmanager
    def connect(path: str = "/events/chat", *, version: int = 1, **options: Any) -> Iterator[Talk]:
        if version:
            options["subprotocols"] = [SUBPROTOCOL]
        with live.connect(path, **options) as connection:
            yield Talk(connection)

    return connect


def bind_blocks(chat: EventSocket) -> list[str]:
    """Bind ``blocks``, which emits in and between blocks; return the events in their order.

    Its data says who emits: ``{"by": "socket"}`` or ``{"by": "chat"}``.
    """

    @chat.on
    def blocks(socket: Socket, data: dict[str, Any]) -> None:
        emit = socket.emit if data["by"] == "socket" else chat.emit
        with transaction.atomic():
            with transaction.atomic():
                emit("1 in a block")
                transaction.on_commit(lambda: emit("2 of on_commit") and None)
            emit("3 in the outer block")
        emit("4 after it")
        with transaction.atomic(savepoint=False):
            emit("5 in a block without a savepoint")
        with suppress(LookupError), transaction.atomic():
            emit("never")
            raise LookupError
        with transaction.atomic(durable=True):
            emit("6 in a durable block")
        emit("7 at the end", on_commit=False)

    return [
        "1 in a block",
        "2 of on_commit",
        "3 in the outer block",
        "4 after it",
        "5 in a block without a savepoint",
        "6 in a durable block",
        "7 at the end",
    ]
