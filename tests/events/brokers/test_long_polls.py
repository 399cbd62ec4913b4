"""Long polls in one process, and events from another one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.utils.module_loading import import_string

from c10kws.events import EventSocket, RoomEvents
from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.channels import room_of
from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.message import Message
from c10kws.events.brokers.registry import brokers
from tests.support.events import Make
from tests.support.hubs import hub_in
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.programs

T = TypeVar("T")


@pytest.fixture(params=["local.LocalBroker", "redis.RedisBroker"])
def kept(
    request: pytest.FixtureRequest,
    site: Path,
    shared_redis: RedisServer,
    settings: Any,
    make: Make,
    serve: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[EventSocket]:
    """An EventSocket with a real broker."""
    options = {}
    if request.param == "redis.RedisBroker":
        options = {"url": shared_redis.url, "prefix": f"{request.node.name}:"}
    backend = f"c10kws.events.brokers.{request.param}"
    configuration = {"default": {"BACKEND": backend, "OPTIONS": options}}
    settings.C10KWS = {**settings.C10KWS, "BROKERS": configuration}
    monkeypatch.setattr(brokers, "real", True)
    yield make("/kept", history={"kept": {"size": 5, "ttl": 60}})
    brokers.close(0)
    brokers.forget()


@pytest.fixture
def other(kept: EventSocket, settings: Any) -> Iterator[Broker]:
    """The broker of another process."""
    configuration = settings.C10KWS["BROKERS"]["default"]
    broker: Broker = import_string(configuration["BACKEND"])("default", configuration)
    yield broker
    broker.close(0)


def say(broker: Broker, endpoint: EventSocket, *values: int) -> None:
    limits = endpoint.history.limits_of("kept")
    for value in values:
        text, emission = f'{{"event":"said","data":{{"n":{value}}}}}', Emission()
        broker.publish(room_of("/kept", "kept"), Message(text), limits, emission)
        emission.result(WAIT)


def wait(
    loop: asyncio.AbstractEventLoop, endpoint: EventSocket, since: str | None = None
) -> RoomEvents:
    room = endpoint.to("kept")
    return run(loop, room.wait(since, timeout=WAIT))


def begin_to_wait(loop: asyncio.AbstractEventLoop, endpoint: EventSocket) -> Future[RoomEvents]:
    """Wait for the next event, in a task."""
    last = wait(loop, endpoint).position
    coroutine = endpoint.to("kept").wait(last, timeout=WAIT)
    waiting = asyncio.run_coroutine_threadsafe(coroutine, loop)
    eventually(lambda: endpoint.audience_of("kept")._followers)  # type: ignore[union-attr]
    return waiting


def run(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(WAIT)


def numbers(news: RoomEvents) -> list[int]:
    return [data["n"] for _, data in news.events]


def test_polls_get_the_events_of_other_processes(
    serve: asyncio.AbstractEventLoop, kept: EventSocket, other: Broker
) -> None:
    start = wait(serve, kept)
    say(other, kept, 1, 2)
    news = wait(serve, kept, start.position)
    rest = [] if numbers(news) == [1, 2] else numbers(wait(serve, kept, news.position))
    assert numbers(news) + rest == [1, 2]
    waiting = begin_to_wait(serve, kept)
    say(other, kept, 3)
    assert numbers(waiting.result(WAIT)) == [3]


def test_a_position_of_another_process_is_valid(
    serve: asyncio.AbstractEventLoop, kept: EventSocket, other: Broker
) -> None:
    """A client goes on at another worker, which has not subscribed to the room before."""
    say(other, kept, 1, 2, 3)
    limits = kept.history.limits_of("kept")
    assert limits is not None
    position = other.read(room_of("/kept", "kept"), None, limits).result(WAIT).position
    assert kept.to("kept").position() == f"{position.epoch}:3"
    news = wait(serve, kept, f"{position.epoch}:1")
    assert (numbers(news), news.recovered) == ([2, 3], True)
    say(other, kept, *range(4, 12))
    assert wait(serve, kept, f"{position.epoch}:1").recovered is False


@pytest.mark.parametrize("kept", ["local.LocalBroker"], indirect=True)
def test_a_poll_is_told_that_the_broker_has_lost_the_history(
    serve: asyncio.AbstractEventLoop, kept: EventSocket, other: Broker, site: Path
) -> None:
    say(other, kept, 1)
    waiting = begin_to_wait(serve, kept)
    os.kill(hub_in(site), signal.SIGKILL)
    lost = waiting.result(WAIT)
    assert (numbers(lost), lost.recovered) == ([], False)
    again = asyncio.run_coroutine_threadsafe(kept.to("kept").wait(lost.position), serve)
    eventually(lambda: kept.audience_of("kept")._followers)  # type: ignore[union-attr]
    say(other, kept, 2)
    assert numbers(again.result(WAIT)) == [2]
