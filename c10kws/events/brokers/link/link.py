"""``Link``: connects this process to a broker, in a thread with an event loop of its own.

Commands are carried out in the order of the calls. A message is sent when all earlier subscriptions
are confirmed, so a client that joins a room gets what is emitted to the room afterwards. If the
connection is lost, messages wait for the next one, within QUEUE_TIMEOUT and MAX_QUEUE_BYTES. A
message that was sent on the lost connection is never sent again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, sleep

from ....handlers.broker_counts import BrokerCounts
from ....handlers.servers import servers
from ..receivers import Receivers
from .backoff import Backoff
from .commands import Command, Read, Recover, Sending, Unsubscribe
from .connection import BrokerConnection, ConnectionLost
from .fallback import Fallback
from .inbound import Inbound
from .numbering import Numbering
from .outage import Outage
from .outbound import Outbound
from .queue import CommandQueue, NotQueued

logger = logging.getLogger("c10kws.brokers")

#: Bytes of the messages that may wait for the broker.
MAX_QUEUE_BYTES = 8 * 1024 * 1024
#: Seconds that a message may wait until it is sent, and then until it comes back.
QUEUE_TIMEOUT = 5.0
RETURN_TIMEOUT = 5.0
#: Seconds after which messages that have been sent, but have not come back, count as queued.
STUCK_AFTER = 1.0
#: Seconds within which a connection must be made and the subscriptions restored.
CONNECT_TIMEOUT = 10.0
#: Limits of the random pause before an attempt to connect. The limit doubles with each attempt.
FIRST_PAUSE = 0.1
MAX_PAUSE = 5.0
#: Seconds within which the broker must answer a command, and between two pings. Neither is longer
#: than QUEUE_TIMEOUT, so messages that were sent end before those that wait.
OPERATION_TIMEOUT = 5.0
PING_INTERVAL = 5.0
#: Seconds after which an idle process that does not serve disconnects. A forgotten shell must not
#: keep a hub running.
IDLE_TIMEOUT = 10.0
#: Seconds before this process unsubscribes from a channel without receivers.
UNSUBSCRIBE_AFTER = 30.0
#: Seconds that a process waits for the end of the link when everything has been sent.
CLOSE_TIMEOUT = 2.0
#: Seconds between searches for messages that have waited too long.
CHECK_INTERVAL = 0.25


class Link:
    """Connects and reconnects, carries out commands, and passes on messages that arrive."""

    def __init__(
        self,
        alias: str,
        connect: Callable[[], BrokerConnection],
        receivers: Receivers,
        fallback: Fallback,
        counts: BrokerCounts,
    ) -> None:
        self._alias = alias
        self._connect = connect
        self._receivers = receivers
        self._fallback = fallback
        self._counts = counts
        self._connected = self._was_connected = False
        self._stuck = False  # too many messages were sent and have not come back
        self._loop = asyncio.new_event_loop()
        self._awake = asyncio.Event()
        self._queue = CommandQueue(MAX_QUEUE_BYTES, self._wake)
        numbering = Numbering()
        self._inbound = Inbound(receivers, numbering, counts, self._recover)
        self._outbound = Outbound(self._inbound, fallback, numbering, counts)
        self._backoff = Backoff(FIRST_PAUSE, MAX_PAUSE)
        self._left: dict[str, float] = {}  # channels without receivers, with the time
        self._outage = Outage(alias)
        name = f"c10kws-broker-{alias}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    # From any thread

    def put(self, command: Command) -> None:
        """Queue a command. A message that does not fit fails."""
        if self._stuck and isinstance(command, Sending):
            self._fail(command, f"it has not delivered {MAX_QUEUE_BYTES} bytes of events")
            return
        try:
            self._queue.put(command)
        except NotQueued as error:
            self._fail(command, str(error))

    def leave(self, channel: str) -> None:
        """Unsubscribe later from a channel, unless it has a receiver again."""
        if self._queue.withdraw(channel, unless=self._receivers.__contains__):
            return
        self._call(partial(self._left.__setitem__, channel, monotonic()))

    def close(self, timeout: float) -> None:
        """Wait until everything is sent, for at most ``timeout`` seconds, then disconnect."""
        end = monotonic() + timeout
        while (self._queue or self._inbound.returning) and monotonic() < end:
            sleep(0.01)
        self._call(self._end)
        self._thread.join(CLOSE_TIMEOUT)

    @property
    def problem(self) -> str | None:
        """A sentence while there is no connection, otherwise None."""
        return self._outage.problem

    @property
    def outage(self) -> float | None:
        """Seconds without a connection, if these are a problem."""
        return self._outage.seconds

    def _wake(self) -> None:
        self._call(self._awake.set)

    def _call(self, function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the link has ended, and its loop is closed
            self._loop.call_soon_threadsafe(function)

    # The thread

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            with suppress(asyncio.CancelledError):
                runner.run(self._main())
            self._counts.queued_bytes = 0
            waiting = self._queue.close()  # before the loop is closed, since ``put`` may wake it
        for command in [*waiting, *self._inbound.take_older(0)]:
            self._fail(command, "this process has closed its connection")

    def _end(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    async def _main(self) -> None:
        self._checking = asyncio.create_task(self._check())
        while True:
            try:
                await self._connect_once()
            except Exception as error:  # try again: without the link nothing would be delivered
                logger.exception("The link to the broker %r has failed.", self._alias)
                self._lose(f"its link has failed: {error!r}")
            await self._pause()

    async def _connect_once(self) -> None:
        """Use one connection from its beginning to its end."""
        connection = self._connect()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.open()
            await self._use(connection)
        except (ConnectionLost, TimeoutError) as error:
            self._lose(str(error) or "it does not answer")
        finally:
            self._connected = self._counts.connected = False
            await connection.close()

    async def _pause(self) -> None:
        """Wait before the next attempt to connect; if nothing needs the broker, until it is needed.

        A shell that runs longer than the server therefore does not try to connect all the time, and
        its next event need not wait for the end of a long pause.
        """
        if self._is_needed:
            await asyncio.sleep(self._backoff.next())
            return
        self._awake.clear()
        if self._queue.rest():
            await self._awake.wait()
        self._backoff.reset()
        self._outage.need()

    @property
    def _is_needed(self) -> bool:
        """True if something waits for the connection."""
        return bool(self._queue or self._inbound.channels)

    async def _use(self, connection: BrokerConnection) -> None:
        """Use a connection until it is lost, or not needed any more."""
        self._inbound.hold_all()
        receiving = asyncio.create_task(connection.run(self._inbound.arrive))
        tasks = {receiving, asyncio.create_task(self._work(connection))}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if receiving in done:
                raise ConnectionLost("it has closed the connection")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, connection: BrokerConnection) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await self._inbound.restore(connection)
        for publish in self._inbound.take_older(0):  # the histories do not have them
            self._fail(publish, "the connection was lost")
        self._backoff.reset()
        self._outage.end()
        self._counts.reconnects += self._was_connected
        self._connected = self._was_connected = self._counts.connected = True
        pinged = used = monotonic()
        while not self._is_idle(used):
            if monotonic() - pinged >= PING_INTERVAL:  # commands do not show that messages arrive
                await self._within_time(connection.ping())
                pinged = monotonic()
            if commands := self._queue.take():
                await self._execute(connection, commands)
                used = monotonic()
                continue
            self._awake.clear()
            if self._queue.rest():
                with suppress(TimeoutError):
                    async with asyncio.timeout(PING_INTERVAL):
                        await self._awake.wait()

    async def _execute(self, connection: BrokerConnection, commands: Sequence[Command]) -> None:
        try:
            await self._within_time(self._outbound.execute(connection, commands))
        except (ConnectionLost, TimeoutError):
            raise
        except Exception as error:
            self._inbound.forget(commands)
            for command in commands:
                if isinstance(command, Sending) and not command.emission.done():
                    self._fail(command, f"an unexpected error: {error!r}")
            raise

    def _is_idle(self, used: float) -> bool:
        return not servers.serving and not self._is_needed and monotonic() - used >= IDLE_TIMEOUT

    async def _within_time(self, operation: Awaitable[None]) -> None:
        async with asyncio.timeout(OPERATION_TIMEOUT):
            await operation

    # Losses

    def _lose(self, reason: str) -> None:
        self._outage.begin(reason, needed=self._is_needed)
        for key, publish in list(self._inbound.returning.items()):
            if publish.limits is None:
                del self._inbound.returning[key]
                self._fallback.handle(publish, reason)

    async def _check(self) -> None:
        """Check regularly for commands and messages that have waited too long."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            try:
                self._end_old_ones()
            except Exception:
                logger.exception("The check of the events for the broker %r failed.", self._alias)

    def _end_old_ones(self) -> None:
        """Fail what has waited too long, and unsubscribe from channels without receivers."""
        self._counts.queued_bytes = self._queue.bytes
        self._stuck = self._inbound.weigh_older(STUCK_AFTER) > MAX_QUEUE_BYTES
        for command in self._queue.take_older(QUEUE_TIMEOUT):
            self._fail(command, f"it has not accepted the event within {QUEUE_TIMEOUT:g} s")
        for publish in self._inbound.take_older(QUEUE_TIMEOUT + RETURN_TIMEOUT):
            self._fail(publish, "it has accepted the event, but not delivered it")
        if not self._connected:
            return
        limit = monotonic() - UNSUBSCRIBE_AFTER
        for channel in [each for each, left in self._left.items() if left <= limit]:
            del self._left[channel]
            self._queue.put(Unsubscribe(channel))

    def _recover(self, channel: str) -> None:
        with suppress(NotQueued):
            self._queue.put(Recover(channel))

    def _fail(self, command: Command, reason: str) -> None:
        """End a command that cannot be carried out."""
        if isinstance(command, Sending):
            self._fallback.handle(command, reason)
        elif isinstance(command, Read) and command.result.set_running_or_notify_cancel():
            command.result.set_exception(ConnectionLost(reason))
