"""A process that serves, and receivers of messages, for tests of brokers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.message import Arrival, Message, Outcome
from c10kws.handlers.servers import servers

from .contracts import MemoryServer
from .waiting import WAIT

#: Of channels for :func:`count`.
COUNTED = HistoryLimits(size=5, ttl=60)


class _Stop:
    """A stop of a server without clients."""

    code = 1001
    deadline = 0.0

    async def spread(self, clients: Iterable[Any]) -> AsyncIterator[tuple[Any, float]]:
        for client in clients:
            yield client, 0.0


@contextmanager
def serving() -> Iterator[asyncio.AbstractEventLoop]:
    """Make this process a server, with an event loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = MemoryServer(loop)
    servers.state_of(server.contract())
    yield loop
    for callback in server.callbacks:
        asyncio.run_coroutine_threadsafe(callback(_Stop()), loop).result(WAIT)  # type: ignore
    loop.call_soon_threadsafe(loop.stop)
    thread.join(WAIT)
    loop.close()


@dataclass(eq=False)
class Listener:
    """A receiver that keeps what has arrived."""

    arrivals: list[Arrival] = field(default_factory=list)
    resets: list[Position | None] = field(default_factory=list)

    def receive(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)

    def reset(self, position: Position | None) -> None:
        self.resets.append(position)

    @property
    def texts(self) -> list[str]:
        return [arrival.message.text for arrival in self.arrivals]

    @property
    def positions(self) -> list[Position | None]:
        return [arrival.position for arrival in self.arrivals]


def listen(
    broker: Broker, channel: str = "room:/chat:1", limits: HistoryLimits | None = None
) -> Listener:
    """Return a listener to a channel whose subscription is confirmed."""
    listener = Listener()
    broker.subscribe(channel, listener, limits).result(WAIT)
    return listener


def publish(
    broker: Broker,
    text: str,
    channel: str = "room:/chat:1",
    limits: HistoryLimits | None = None,
) -> Emission:
    """Publish a text."""
    emission = Emission()
    broker.publish(channel, Message(text), limits, emission)
    return emission


def add_one(last: Message | None) -> Message:
    """Return the number after that of the last message; the first one is 1."""
    return Message(str(1 if last is None else int(last.text) + 1))


def count(
    broker: Broker, channel: str = "room:/chat:1", limits: HistoryLimits = COUNTED
) -> Future[Outcome]:
    """Publish the number after the last one."""
    return broker.update(channel, add_one, limits, Emission())
