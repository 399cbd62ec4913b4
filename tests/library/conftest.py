"""A live server: the test project on c10kws_tornado, in a thread of this process.

``C10KWS_TEST_LANE=off`` in the environment lets every frame go through wsproto, where a test does
not set FAST_LANE itself.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from websockets.sync.client import ClientConnection, connect

from c10kws import conf
from c10kws.management.serving import server_options
from c10kws.refusals import Refusals
from c10kws_tornado import Server, bind

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class LiveServer:
    """The project behind its refusals wrapper, on a free port of 127.0.0.1."""

    def __init__(
        self, application: Any, *, loop_factory: LoopFactory | None = None, **options: Any
    ) -> None:
        self._application = application
        self._loop_factory = loop_factory
        self._options = options
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-server")
        (self._socket,) = bind("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self.loop: asyncio.AbstractEventLoop
        self.server: Server

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(30)

    def stop(self, code: int = 1001, timeout: float = 5.0) -> None:
        """Stop the server from outside, as a signal would; the second time nothing happens."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set_result, (code, timeout))
            self._thread.join(30)
            assert not self._thread.is_alive()
            self.server.pool.shutdown(wait=True)

    def connect(self, path: str, **options: Any) -> ClientConnection:
        options.setdefault("open_timeout", 60)
        options.setdefault("proxy", None)
        options.setdefault("compression", None)
        return connect(f"ws://127.0.0.1:{self.port}{path}", **options)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop: asyncio.Future[tuple[int, float]] = self.loop.create_future()
        self.server = Server(self._application, **self._options)
        self.server.add_sockets([self._socket])
        self.server.start()
        self._started.set()
        code, timeout = await self._stop
        await self.server.stop(code, timeout=timeout)


LANE = os.environ.get("C10KWS_TEST_LANE") != "off"


@pytest.fixture(autouse=True)
def lane_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let FAST_LANE be False by default in a run without the lane."""
    if LANE:
        return
    read = conf.current

    def current() -> conf.Settings:
        own = getattr(django_settings, conf.NAME, {})
        return replace(read(), fast_lane=own.get("FAST_LANE", False))

    monkeypatch.setattr(conf, "current", current)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put the test database into a file: the server's threads have connections of their own."""
    path: Path = tmp_path_factory.mktemp("database") / "test.sqlite3"
    connections["default"].settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture
def make_live(transactional_db: None) -> Iterator[Callable[..., LiveServer]]:
    """Start a server with other options; it is stopped at the end of the test."""
    servers: list[LiveServer] = []

    def make(**options: Any) -> LiveServer:
        server = LiveServer(Refusals(get_wsgi_application()), **(server_options() | options))
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def live(make_live: Callable[..., LiveServer]) -> LiveServer:
    return make_live()


@pytest.fixture
def open_connections(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count the database connections that other threads have open."""
    opened: set[Any] = set()
    backend = type(connections["default"])
    connect_, close_ = backend.connect, backend._close
    main = threading.current_thread()

    def connect_and_count(self: Any) -> None:
        connect_(self)
        if threading.current_thread() is not main:
            opened.add(self)

    def close_and_count(self: Any) -> Any:
        opened.discard(self)
        return close_(self)

    monkeypatch.setattr(backend, "connect", connect_and_count)
    monkeypatch.setattr(backend, "_close", close_and_count)
    return lambda: len(opened)
