"""Fixtures of the event layer; EventSockets are forgotten after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from c10kws.events import EventSocket, paths
from tests.support.events import Connect, connector, forget
from tests.support.servers import LiveServer


@pytest.fixture
def connect(live: LiveServer) -> Connect:
    """Connect clients to EventSockets."""
    return connector(live)


@pytest.fixture(autouse=True)
def forget_endpoints() -> Iterator[None]:
    """Forget the EventSockets that the test has made."""
    before = set(paths.endpoints())
    yield
    for endpoint in set(paths.endpoints()) - before:
        assert isinstance(endpoint, EventSocket)
        forget(endpoint)
