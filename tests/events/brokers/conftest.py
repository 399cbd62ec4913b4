"""Fixtures for tests of brokers: a process that serves, and real services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from c10kws.events.brokers.redis import RedisBroker
from tests.support.brokers import serving
from tests.support.redis_servers import RedisServer


@pytest.fixture
def serve() -> Iterator[asyncio.AbstractEventLoop]:
    """Make this process a server, and return its event loop."""
    with serving() as loop:
        yield loop


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
