"""``Outbound``: carries out the commands of this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ....handlers.broker_counts import BrokerCounts
from ..message import Arrival, History
from . import wire
from .commands import Command, Publish, Read, Recover, Subscribe, Unsubscribe, Update
from .connection import BrokerConnection, ConnectionLost, Outgoing
from .fallback import Fallback
from .inbound import Inbound
from .numbering import Numbering
from .updates import Updates


class Outbound:
    """Carries out commands on a connection, in the thread of the link."""

    def __init__(
        self, inbound: Inbound, fallback: Fallback, numbering: Numbering, counts: BrokerCounts
    ) -> None:
        self._inbound = inbound
        self._fallback = fallback
        self._numbering = numbering
        self._counts = counts
        self._updates = Updates(inbound, fallback, numbering, counts)

    async def execute(self, connection: BrokerConnection, commands: Sequence[Command]) -> None:
        """Carry out commands of one class. Raises :exc:`~.connection.ConnectionLost`."""
        match commands[0]:
            case Publish():
                await self._publish(connection, cast(Sequence[Publish], commands))
            case Update():
                await self._updates.execute(connection, cast(Sequence[Update], commands))
            case Subscribe():
                await self._subscribe(connection, cast(Sequence[Subscribe], commands))
            case Unsubscribe():
                channels = [each.channel for each in cast(Sequence[Unsubscribe], commands)]
                if removed := self._inbound.remove(channels):
                    await connection.unsubscribe(removed)
            case Read() as read:
                await self._answer(connection, read)
            case Recover(channel):
                await self._inbound.catch_up(connection, channel)

    async def _publish(self, connection: BrokerConnection, commands: Sequence[Publish]) -> None:
        """Send messages. The emission of a message that comes back is done only then."""
        for channel in self._fallback.pop_local():
            self._numbering.skip(channel)
        batch = [each for each in commands if not each.emission.done()]  # else its time is over
        keys = [self._numbering.next(each.channel) for each in batch]
        outgoing = []
        for key, publish in zip(keys, batch, strict=True):
            payload = wire.encode(wire.Packet(*key, publish.message))
            outgoing.append(Outgoing(publish.channel, payload, publish.limits))
            self._inbound.returning[key] = publish
        errors = await connection.publish(outgoing)
        self._counts.published += sum(error is None for error in errors)
        for key, publish, error in zip(keys, batch, errors, strict=True):
            if error is not None:
                self._inbound.returning.pop(key, None)
                self._fallback.handle(publish, f"it refused the event: {error}")
            elif not self._inbound.is_confirmed(publish.channel):
                self._inbound.returning.pop(key, None)
                publish.emission.expect(0)

    async def _subscribe(self, connection: BrokerConnection, commands: Sequence[Subscribe]) -> None:
        new = self._inbound.add(commands)
        if new:
            await connection.subscribe(new)
            await self._inbound.confirm(connection, new)
        self._inbound.confirm_waiting(commands)

    async def _answer(self, connection: BrokerConnection, read: Read) -> None:
        if not read.result.set_running_or_notify_cancel():
            return
        try:
            read.result.set_result(await self._read(connection, read))
        except BaseException:  # also the cancellation by a timeout
            read.result.set_exception(ConnectionLost("the broker was lost"))
            raise

    async def _read(self, connection: BrokerConnection, read: Read) -> History:
        rows = None if read.since is None else await connection.rows(read.channel, read.since)
        if rows is None or read.since is None:
            return History(await connection.position(read.channel, read.limits))
        try:
            found = [(position, wire.decode(payload)) for position, payload in rows]
        except wire.UnknownFormat:  # of another release: the client has to ask for everything
            return History(await connection.position(read.channel, read.limits))
        arrivals = [Arrival(packet.message, position) for position, packet in found]
        return History(found[-1][0] if found else read.since, arrivals, recovered=True)
