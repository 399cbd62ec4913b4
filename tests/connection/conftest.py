"""Fixtures of tests of connections."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from c10kws.connection.total_queue import total_queue
from c10kws_tornado.raw import transports
from tests.support.servers import LiveServer
from tests.support.slowpeers import Dial, slow_peer
from tests.support.waiting import eventually


@pytest.fixture
def no_pings(settings: Any) -> None:
    """Send no Pings among the frames that a test counts; do not wait long for a client's Close."""
    settings.C10KWS = {"PING_INTERVAL": None, "CLOSE_TIMEOUT": 0.2}


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """The bytes queued in the process are counted exactly."""
    yield
    eventually(lambda: total_queue.size == 0)


@pytest.fixture(params=["own", "tls", "asyncio", "uvloop"])
def dial(
    request: pytest.FixtureRequest,
    make_live: Callable[..., LiveServer],
    monkeypatch: pytest.MonkeyPatch,
) -> Dial:
    """Start a server whose connections have one kind of transport; return what connects to it."""
    if request.param == "tls":
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        live = make_live(ssl_context=context)
        return lambda: slow_peer(live, authority)
    if request.param == "asyncio":
        monkeypatch.setattr(transports, "BaseSelectorEventLoop", type("OtherLoop", (), {}))
    elif request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="for uvloop: pip install c10kws[uvloop]")
        live = make_live(loop_factory=uvloop.new_event_loop)
        return lambda: slow_peer(live)
    live = make_live()
    return lambda: slow_peer(live)
