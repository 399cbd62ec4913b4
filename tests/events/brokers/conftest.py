"""Fixtures for tests of brokers: a process that serves, and real services."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from c10kws.events.brokers.redis import RedisBroker
from c10kws.handlers.servers import servers
from c10kws.runtime_directory import directory_path
from tests.support.brokers import serving
from tests.support.hubs import hubs_in
from tests.support.redis_servers import RedisServer


@pytest.fixture
def serve() -> Iterator[asyncio.AbstractEventLoop]:
    """Make this process a server, and return its event loop."""
    with serving() as loop:
        yield loop


@pytest.fixture
def no_server() -> Iterator[None]:
    """Make this process one that does not serve, though servers of other tests may run in it."""
    with servers.set_aside():
        yield


@pytest.fixture
def site(settings: Any) -> Iterator[Path]:
    """The directory of a site without a hub. The path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="c10") as folder:
        settings.C10KWS = {"RUNTIME_DIR": folder}
        yield directory_path()
        for process in hubs_in(Path(folder)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for tests that leave it as it is."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def start_redis(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., RedisServer]]:
    """Start Redis servers for one test; their arguments are options of Redis."""
    started: list[RedisServer] = []

    def start(*options: str, configuration: str = "") -> RedisServer:
        folder = tmp_path_factory.mktemp("redis")  # the path of a Unix socket must be short
        server = RedisServer(folder, *options, configuration=configuration)
        started.append(server)
        return server

    yield start
    for server in started:
        server.resume()
        server.kill()


@pytest.fixture
def redis_broker(request: pytest.FixtureRequest) -> Iterator[Callable[..., RedisBroker]]:
    """Make brokers for a server, each like that of a process of its own."""
    made: list[RedisBroker] = []

    def make(server: RedisServer, **options: Any) -> RedisBroker:
        options = {"url": server.url, "prefix": f"{request.node.name}:", **options}
        made.append(RedisBroker("default", {"OPTIONS": options}))
        return made[-1]

    yield make
    for broker in made:
        broker.close(0)
