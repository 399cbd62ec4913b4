"""EventSockets for a test, at ``/events/`` on a live server, and clients that speak JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from c10kws.events import EventSocket, ProgressBar, paths
from c10kws.events.frames.envelope import SUBPROTOCOL
from tests.library.conftest import (  # noqa: F401  (fixtures)
    LiveServer,
    django_db_modify_db_settings,
    lane_of_the_run,
    live,
    make_live,
)
from tests.library.test_websocket import WAIT

Make = Callable[..., EventSocket]


@pytest.fixture
def make() -> Iterator[Make]:
    """Make EventSockets whose paths are free again after the test."""
    made: list[EventSocket] = []

    def make_one(path: str = "/chat", **options: Any) -> EventSocket:
        made.append(EventSocket(path, **options))
        return made[-1]

    yield make_one
    for endpoint in made:
        paths.remove(endpoint)


@pytest.fixture
def make_bar() -> Iterator[Callable[..., ProgressBar]]:
    made: list[ProgressBar] = []

    def make_one(*arguments: Any, **options: Any) -> ProgressBar:
        made.append(ProgressBar(*arguments, **options))
        return made[-1]

    yield make_one
    for endpoint in made:
        paths.remove(endpoint)


@pytest.fixture
def chat(make: Make) -> EventSocket:
    return make()


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


Connect = Callable[..., AbstractContextManager[Talk]]


@pytest.fixture
def connect(live: LiveServer) -> Connect:  # noqa: F811
    @contextmanager
    def open_one(path: str = "/events/chat", *, version: int = 1, **options: Any) -> Iterator[Talk]:
        if version:
            options["subprotocols"] = [SUBPROTOCOL]
        with live.connect(path, **options) as connection:
            yield Talk(connection)

    return open_one
