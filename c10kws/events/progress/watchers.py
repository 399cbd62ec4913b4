"""``Watchers``: the clients of this process that watch one bar."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

from ...connection.websocket import connection_of
from ..brokers.base import Broker
from ..brokers.emission import Emission
from ..brokers.history import HistoryLimits, Position
from ..brokers.message import Arrival, Message, Outcome
from ..clients.socket import Socket
from ..emitting.audience import Writer
from ..emitting.read_ahead import ReadAhead
from ..exceptions import BrokerUnavailable
from .state import SURROUNDING, ProgressState, frames_of

#: Seconds between attempts to read the state of a bar.
RETRY_INTERVAL = 1.0


class Bar(Protocol):
    """The parts of a Progress that are shown."""

    channel: str
    limits: HistoryLimits

    def shown(self, message: Message | None) -> ProgressState: ...


class Watchers:
    """Sends the events of a bar to its clients, each of which first gets the whole state.

    Each message of the channel is the whole state. So a client is greeted with the first one that
    this process knows: the last message, which was read, or the next one. Then it gets the events
    of later messages only.
    """

    def __init__(
        self,
        broker: Broker,
        bar: Bar,
        clients: Callable[[], list[Socket]],
        writer: Writer,
        surrounded_versions: Collection[int],
    ) -> None:
        self._broker = broker
        self._bar = bar
        self._clients = clients
        self._writer = writer
        self._surrounded_versions = surrounded_versions
        self._known = False  # the last message, which may be None
        self._last: Arrival | None = None
        #: Clients that have not got the state; the futures end when they have got it.
        self._ungreeted: dict[Socket, asyncio.Future[None]] = {}
        self._ahead = ReadAhead()
        self._greeting: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self._lost: Message | None = None  # the last one before messages were lost
        self._resets = 0
        self._closed = False
        broker.subscribe(bar.channel, self, bar.limits)

    def close(self) -> None:
        """Unsubscribe from the channel."""
        self._closed = True
        self._broker.unsubscribe(self._bar.channel, self)
        for loop, task in list(self._greeting.items()):
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(task.cancel)

    # A new client

    async def greet(self, client: Socket) -> None:
        """Send the state to a client. If the broker does not answer, it is sent later."""
        greeted = self._expect_greeting(client)
        if self._known:
            self._greet_all()
            return
        self._greet_later()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._broker.timeout):
                await asyncio.shield(greeted)

    def leave(self, client: Socket) -> None:
        """Forget a client."""
        self._ungreeted.pop(client, None)

    def _expect_greeting(self, client: Socket) -> asyncio.Future[None]:
        if client not in self._ungreeted:
            self._ungreeted[client] = asyncio.get_running_loop().create_future()
        return self._ungreeted[client]

    def _greet_later(self) -> None:
        """Read the last message and greet the clients of this event loop, in a task."""
        loop = asyncio.get_running_loop()
        task = self._greeting.get(loop)
        if task is None or task.done():
            self._greeting[loop] = loop.create_task(self._read_and_greet())

    async def _read_and_greet(self) -> None:
        while not self._known:
            resets = self._resets
            try:
                outcome = await asyncio.wrap_future(self._read())
            except BrokerUnavailable:
                await asyncio.sleep(RETRY_INTERVAL)
            else:
                if resets == self._resets:
                    self._learn(outcome.last)
        self._greet_all()

    def _learn(self, last: Arrival | None) -> None:
        """Keep the last message, unless a newer one has arrived meanwhile."""
        if not self._known:
            self._last, self._known = last, True

    def _read(self) -> Future[Outcome]:
        """Read the last message. A broker that has lost it gets it back."""
        lost = self._lost

        def restore(last: Message | None) -> Message | None:
            return lost if last is None else None

        return self._broker.update(self._bar.channel, restore, self._bar.limits, Emission())

    def _greet_all(self) -> None:
        """Send the whole state to the clients of this event loop that have not got it."""
        clients = [each for each in self._clients_here() if each in self._ungreeted]
        last = self._last
        state = self._bar.shown(None if last is None else last.message)
        self._send_alone(clients, state)
        for client in clients:
            self._ungreeted.pop(client).set_result(None)
            if last is not None and last.position is not None:
                self._ahead.add(client, last.position)

    def _send_alone(self, clients: Iterable[Socket], state: ProgressState) -> None:
        frames = frames_of(state, state.greeting)
        for client in clients:
            for event, text in frames:
                if self._gets(client, event):
                    client.writer.write_if_open(text)

    # Messages

    def receive(self, arrival: Arrival) -> None:
        """Send the events of a message to the clients of the running event loop."""
        if not self._known or not _precedes(arrival, self._last):
            self._last, self._known = arrival, True
        clients = self._ahead.without(arrival, self._clients_here())
        if self._ungreeted:
            clients = [each for each in clients if each not in self._ungreeted]
            self._greet_all()
        if not clients:
            return
        state = self._bar.shown(arrival.message)
        for event, text in frames_of(state, state.events):
            self._writer.send([each for each in clients if self._gets(each, event)], text)

    def reset(self, position: Position | None) -> None:
        """Read the state again, since messages were lost, and send it to the clients."""
        if self._last is not None:
            self._lost = self._last.message
        self._known, self._last = False, None
        self._resets += 1
        for client in self._clients_here():
            self._expect_greeting(client)
        if not self._closed:
            self._greet_later()

    def _gets(self, client: Socket, event: str) -> bool:
        return event not in SURROUNDING or client.version in self._surrounded_versions

    def _clients_here(self) -> list[Socket]:
        """Return the clients of the running event loop."""
        loop = asyncio.get_running_loop()
        return [
            each
            for each in self._clients()
            if connection_of(each.connection).loop_state.loop is loop
        ]


def _precedes(arrival: Arrival, last: Arrival | None) -> bool:
    """Return True for a message that another event loop has received before the last one."""
    return last is not None and arrival.is_included(last.position)
