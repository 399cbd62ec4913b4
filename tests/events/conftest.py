"""EventSockets for a test, at ``/events/`` on a live server, and clients that speak JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from c10kws.events import EventSocket, ProgressBar
from c10kws.events.brokers.registry import brokers
from tests.support.events import Connect, Make, MakeBar, connector, forget
from tests.support.servers import LiveServer


@pytest.fixture
def make() -> Iterator[Make]:
    """Make EventSockets whose paths and histories are free again after the test."""
    made: list[EventSocket] = []
    brokers.forget()

    def make_one(path: str = "/chat", **options: Any) -> EventSocket:
        made.append(EventSocket(path, **options))
        return made[-1]

    yield make_one
    for endpoint in made:
        forget(endpoint)


@pytest.fixture
def make_bar() -> Iterator[MakeBar]:
    """Make progress bars whose paths and states are free again after the test."""
    made: list[ProgressBar] = []
    brokers.forget()

    def make_one(*arguments: Any, **options: Any) -> ProgressBar:
        made.append(ProgressBar(*arguments, **options))
        return made[-1]

    yield make_one
    for endpoint in made:
        forget(endpoint)


@pytest.fixture
def chat(make: Make) -> EventSocket:
    """An EventSocket at ``/events/chat``."""
    return make()


@pytest.fixture
def connect(live: LiveServer) -> Connect:
    """Connect clients to EventSockets."""
    return connector(live)
