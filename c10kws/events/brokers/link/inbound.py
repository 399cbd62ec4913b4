"""``Inbound``: handles messages that arrive from the broker; finds duplicates and gaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from itertools import takewhile
from time import monotonic

from ....handlers.broker_counts import BrokerCounts
from ..history import HistoryLimits, Position
from ..message import Arrival
from ..receivers import Receivers
from . import wire
from .commands import Sending, Subscribe, Update
from .connection import BrokerConnection
from .numbering import Numbering
from .sequence import Verdict
from .subscription import Subscription

logger = logging.getLogger("c10kws.brokers")

#: Seconds between checks of an event loop that does not keep up.
ROOM_INTERVAL = 0.005

#: Seconds between log lines about lost messages. A broker that restarts loses those of all rooms.
LOG_INTERVAL = 10.0
#: Messages of a channel that are held while its history is read.
MAX_HELD = 1000
#: Number of channels whose histories are read together.
MAX_AT_ONCE = 64
#: Stands for the position of a channel that has none. No history has rows after it.
NOWHERE = Position("", 0)

Row = tuple[Position, bytes]


class Inbound:
    """Handles the subscriptions of this process, in the thread of the link.

    ``recover`` is called with a channel whose history must be read, since messages are missing.
    """

    def __init__(
        self,
        receivers: Receivers,
        numbering: Numbering,
        counts: BrokerCounts,
        recover: Callable[[str], object],
    ) -> None:
        self._receivers = receivers
        self._numbering = numbering
        self._recover = recover
        self._subscriptions: dict[str, Subscription] = {}
        #: Messages of this process that have been sent and must come back.
        self.returning: dict[tuple[str, int], Sending] = {}
        self._logged = float("-inf")
        self._unlogged = 0
        self._counts = counts
        self._unreadable = 0

    # Subscriptions

    @property
    def channels(self) -> Collection[str]:
        """The channels that this process has subscribed to."""
        return self._subscriptions.keys()

    def add(self, commands: Sequence[Subscribe]) -> list[str]:
        """Add subscriptions; return the channels that are new."""
        new = []
        for command in commands:
            subscription = self._subscriptions.get(command.channel)
            if subscription is None:
                subscription = Subscription(command.channel, command.limits, command.deadline)
                self._subscriptions[command.channel] = subscription
                new.append(command.channel)
            subscription.waiting.extend(command.confirmed)
        return new

    def remove(self, channels: Sequence[str]) -> list[str]:
        """Remove the subscriptions without receivers; return their channels."""
        removed = [each for each in channels if each not in self._receivers]
        return [each for each in removed if self._subscriptions.pop(each, None) is not None]

    def is_confirmed(self, channel: str) -> bool:
        """Return True if messages to a channel come back to this process."""
        found = self._subscriptions.get(channel)
        return found is not None and found.confirmed

    async def confirm(self, connection: BrokerConnection, channels: Sequence[str]) -> None:
        """Confirm new subscriptions; those with history begin at its last position.

        A client that has not waited for the confirmation may have missed messages since then.
        """
        subscriptions = [self._subscriptions[each] for each in channels]
        kept = [(each, each.limits) for each in subscriptions if each.limits is not None]
        await self._begin(connection, kept)
        for subscription in subscriptions:
            subscription.confirm()
            self._handle_held(subscription)
            self._handle_overflow(subscription)
            if monotonic() > subscription.deadline:
                self._receivers.reset(subscription.channel, subscription.sequence.position)

    def confirm_waiting(self, commands: Sequence[Subscribe]) -> None:
        """Confirm commands for channels that were confirmed earlier."""
        for channel in {command.channel for command in commands}:
            if self._subscriptions[channel].confirmed:
                self._subscriptions[channel].confirm()

    # Messages

    async def arrive(self, channel: str, payload: bytes, position: Position | None) -> None:
        """Handle a message. While the event loops of this process do not keep up, wait first."""
        while not self._receivers.has_room:
            await asyncio.sleep(ROOM_INTERVAL)
        subscription = self._subscriptions.get(channel)
        packet = self._decode(payload)
        if subscription is None or packet is None:
            return
        if subscription.held is None:
            self._handle(subscription, packet, position)
        elif len(subscription.held) < MAX_HELD:
            subscription.held.append((packet, position))
        else:
            subscription.overflowed = True

    def _decode(self, payload: bytes) -> wire.Packet | None:
        try:
            return wire.decode(payload)
        except wire.UnknownFormat as error:
            self._unreadable += 1
            if self._unreadable == 1:
                logger.error("Dropped a message of another release or program: %s", error)
            return None

    def _handle(
        self, subscription: Subscription, packet: wire.Packet, position: Position | None
    ) -> None:
        match subscription.sequence.judge(packet.origin, packet.number, position):
            case _ if position is None and self._has_ended(packet):
                self._counts.duplicates += 1
                return
            case Verdict.DUPLICATE:
                self._counts.duplicates += 1
                return
            case Verdict.GAP if position is not None:
                subscription.held = [(packet, position)]
                self._recover(subscription.channel)
                return
            case Verdict.GAP:
                self._lose(subscription)
        self._deliver(subscription, packet, position)

    def _has_ended(self, packet: wire.Packet) -> bool:
        """Return True for a message of this process that has failed, or was delivered locally.

        It may still arrive after its connection was lost.
        """
        key = packet.origin, packet.number
        return key not in self.returning and self._numbering.is_own(packet.origin)

    def _deliver(
        self, subscription: Subscription, packet: wire.Packet, position: Position | None
    ) -> None:
        own = self.returning.pop((packet.origin, packet.number), None)
        self._counts.received += 1
        arrival = Arrival(packet.message, position)
        if isinstance(own, Update):
            own.accept(arrival)
        self._receivers.deliver(subscription.channel, arrival, own.emission if own else None)

    def _lose(self, subscription: Subscription) -> None:
        self._counts.gaps += 1
        self._unlogged += 1
        if monotonic() - self._logged > LOG_INTERVAL:
            logger.warning(
                "Channels that have lost messages: %d, for example %r.",
                *(self._unlogged, subscription.channel),
            )
            self._logged, self._unlogged = monotonic(), 0
        self._receivers.reset(subscription.channel, subscription.sequence.position)

    def take_older(self, age: float) -> list[Sending]:
        """Remove and return the messages that have not come back within ``age`` seconds."""
        limit = monotonic() - age
        old = [key for key, publish in self.returning.items() if publish.created <= limit]
        return [self.returning.pop(key) for key in old]

    def weigh_older(self, age: float) -> int:
        """Return the bytes of the messages that have not come back for ``age`` seconds."""
        limit = monotonic() - age
        older = takewhile(lambda each: each.created <= limit, self.returning.values())
        return sum(each.size for each in older)

    def forget(self, commands: Collection[object]) -> None:
        """Do not wait for the return of messages."""
        for key in [key for key, each in self.returning.items() if each in commands]:
            del self.returning[key]

    # After a lost connection

    def hold_all(self) -> None:
        """Hold messages that arrive until :meth:`catch_up`, since earlier ones may be missing."""
        for subscription in self._subscriptions.values():
            if subscription.confirmed and subscription.held is None:
                subscription.held = []

    async def restore(self, connection: BrokerConnection) -> None:
        """Subscribe to all channels that have receivers on a new connection, and catch up."""
        self.remove(list(self._subscriptions))
        channels = list(self._subscriptions)
        if channels:
            await connection.subscribe(channels)
        confirmed = [each for each in channels if self.is_confirmed(each)]
        for start in range(0, len(confirmed), MAX_AT_ONCE):
            await self.catch_up(connection, *confirmed[start : start + MAX_AT_ONCE])
        await self.confirm(connection, [each for each in channels if not self.is_confirmed(each)])

    async def catch_up(self, connection: BrokerConnection, *channels: str) -> None:
        """Read the messages that channels have missed, then handle those that were held."""
        found = [self._subscriptions[each] for each in channels if each in self._subscriptions]
        holding = [each for each in found if each.held is not None]
        before = [len(each.held or ()) for each in holding]
        await self._read_missed(connection, holding)
        for subscription, count in zip(holding, before, strict=True):
            if subscription.limits is None:
                subscription.sequence.restart()
                self._lose(subscription)
            self._handle_held(subscription, count)
            self._handle_overflow(subscription)

    def _handle_held(self, subscription: Subscription, before: int = 0) -> None:
        """Handle held messages; ``before`` of them had arrived before the history was read.

        Those of them that the history should contain, but does not, are dropped: another program
        has sent them, or the broker has lost its histories.
        """
        held, subscription.held = subscription.held or [], None
        for number, (packet, position) in enumerate(held):
            if number < before and position and subscription.sequence.misses(position):
                continue
            self._handle(subscription, packet, position)
            if subscription.held is not None:  # another gap
                subscription.held += held[number + 1 :]
                return

    def _handle_overflow(self, subscription: Subscription) -> None:
        """Read the messages that were too many to be held, or reset the clients."""
        if not subscription.overflowed or subscription.held is not None:
            return
        subscription.overflowed = False
        if subscription.limits is None:
            self._lose(subscription)
        else:
            subscription.held = []
            self._recover(subscription.channel)

    async def _read_missed(
        self, connection: BrokerConnection, subscriptions: Sequence[Subscription]
    ) -> None:
        kept = [(each, each.limits) for each in subscriptions if each.limits is not None]
        last = [(each.channel, each.sequence.position or NOWHERE) for each, _ in kept]
        rows = await connection.rows_of(last)
        lost = [pair for pair, found in zip(kept, rows, strict=True) if found is None]
        await self._begin(connection, lost)
        for subscription, _ in lost:
            self._lose(subscription)
        for (subscription, _), found in zip(kept, rows, strict=True):
            for position, payload in found or ():
                packet = self._decode(payload)
                subscription.sequence.begin(position)
                if packet is not None:
                    self._deliver(subscription, packet, position)

    async def _begin(
        self, connection: BrokerConnection, kept: Sequence[tuple[Subscription, HistoryLimits]]
    ) -> None:
        """Continue after the last positions of channels with history."""
        wanted = [(subscription.channel, limits) for subscription, limits in kept]
        for (subscription, _), position in zip(
            kept, await connection.positions(wanted), strict=True
        ):
            subscription.sequence.begin(position)
