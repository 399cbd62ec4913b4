"""``Updates``: carries out updates, which make a message from the last one of its channel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from ....handlers.broker_counts import BrokerCounts
from ..history import Position
from ..message import Arrival, Message, Outcome
from . import wire
from .commands import Update
from .connection import BrokerConnection, ConnectionLost, LastRow, Outgoing, Refused
from .fallback import Fallback
from .inbound import Inbound
from .numbering import Numbering

#: Channels whose last row is remembered, so that the next update needs only one question.
MAX_ROWS = 1024
#: Updates of a channel that are one question, and their bytes.
MAX_CHAIN = 64
MAX_CHAIN_BYTES = 1024 * 1024
#: Seconds in which updates are tried again while other processes publish, too. Less than
#: OPERATION_TIMEOUT of the link.
TIMEOUT = 4.0

Row = tuple[Position, Message | None]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Step:
    """An update with the message that it has made of ``last``; None if there is nothing to send."""

    update: Update
    last: Message | None
    message: Message | None = None
    error: Exception | None = None


class Updates:
    """Carries out updates, in the thread of the link.

    The broker publishes messages only if they were made from the row that is still the last one of
    their channel. Otherwise the broker returns the last row, and the messages are made again.
    """

    def __init__(
        self, inbound: Inbound, fallback: Fallback, numbering: Numbering, counts: BrokerCounts
    ) -> None:
        self._inbound = inbound
        self._fallback = fallback
        self._numbering = numbering
        self._counts = counts
        #: The last row that this process has published, with the time when it expires.
        self._rows: OrderedDict[str, tuple[float, Row]] = OrderedDict()

    async def execute(self, connection: BrokerConnection, updates: Sequence[Update]) -> None:
        """Carry out updates. Raises ConnectionLost."""
        waiting = [each for each in updates if not each.emission.done()]  # else it has failed
        try:
            for chain in _chains(waiting):
                await self._carry_out(connection, chain)
        except ConnectionLost as error:
            self._lose(waiting, str(error))
            raise
        except BaseException:  # such as the cancellation by a timeout
            self._lose(waiting, "it does not answer")
            raise

    def _lose(self, updates: Sequence[Update], reason: str) -> None:
        """Fail the updates that have not ended, unless they were sent and may still come back."""
        sent = set(self._inbound.returning.values())
        self._fail([each for each in updates if each not in sent], reason)

    def _fail(self, updates: Sequence[Update], reason: str) -> None:
        for update in updates:
            if not update.result.done():
                self._fallback.handle(update, reason)

    async def _carry_out(self, connection: BrokerConnection, chain: Sequence[Update]) -> None:
        """Carry out updates of one channel, each of which follows the one before it."""
        try:
            if not await self._try(connection, chain, monotonic() + TIMEOUT):
                self._fail(chain, f"other processes came first for {TIMEOUT:g} s")
        except Refused as error:
            self._fail(chain, f"it refused the event: {error}")
        except wire.UnknownFormat as error:
            self._fail(chain, f"the last message is unreadable: {error}")

    async def _try(self, connection: BrokerConnection, chain: Sequence[Update], end: float) -> bool:
        channel, limits = chain[0].channel, chain[0].limits
        row = self._remembered(channel)
        known = row is not None
        while monotonic() < end:
            if row is None:
                row = self._read(channel, await connection.last(channel, limits))
            position, last = row
            steps = list(_steps(chain, last))
            if any(step.message is not None for step in steps):
                row = await self._publish(connection, position, steps)
                if row is None:
                    return True
            elif known:  # the remembered row may not be the last one any more
                row = None
            else:
                _end(steps, position)
                return True
            known = False
        return False

    async def _publish(
        self, connection: BrokerConnection, position: Position, steps: Sequence[_Step]
    ) -> Row | None:
        """Publish messages after the last row; if there is another one, return it."""
        channel, limits = steps[0].update.channel, steps[0].update.limits
        expires = monotonic() + limits.ttl
        packets = [
            (wire.Packet(*self._numbering.next(channel), step.message), step.update)
            for step in steps
            if step.message is not None
        ]
        outgoing = [Outgoing(channel, wire.encode(packet), limits) for packet, _ in packets]
        sent = {(packet.origin, packet.number): update for packet, update in packets}
        self._inbound.returning.update(sent)
        try:
            found = await connection.publish_after(position, outgoing)
        except Refused:
            self._forget(sent)
            raise
        if isinstance(found, LastRow):
            self._forget(sent)
            return self._read(channel, found)
        self._counts.published += len(sent)
        self._remember(channel, expires, (found, packets[-1][0].message))
        _end(steps, position)
        if not self._inbound.is_confirmed(channel):
            self._end_here(sent)
        return None

    def _end_here(self, sent: dict[Key, Update]) -> None:
        """End messages that do not return, since this process has no receivers for them."""
        self._forget(sent)
        for update in sent.values():
            update.emission.expect(0)

    def _forget(self, sent: dict[Key, Update]) -> None:
        """Do not wait for the return of messages."""
        for key in sent:
            self._inbound.returning.pop(key, None)

    def _remembered(self, channel: str) -> Row | None:
        expires, row = self._rows.get(channel, (0.0, None))
        return row if monotonic() < expires else None

    def _remember(self, channel: str, expires: float, row: Row) -> None:
        self._rows[channel] = expires, row
        self._rows.move_to_end(channel)
        if len(self._rows) > MAX_ROWS:
            self._rows.popitem(last=False)

    def _read(self, channel: str, row: LastRow) -> Row:
        """Return a row; the last one that is known here if the broker has lost its histories."""
        if row.payload is not None:
            return row.position, wire.decode(row.payload).message
        remembered = self._remembered(channel)
        if remembered is None or row.position.seq:
            return row.position, None
        return row.position, remembered[1]


def _chains(updates: Sequence[Update]) -> Iterator[Sequence[Update]]:
    """Yield the updates of each channel, in their order, in groups that are not too large."""
    channels: dict[str, list[Update]] = {}
    for update in updates:
        chain = channels.setdefault(update.channel, [])
        chain.append(update)
        if len(chain) >= MAX_CHAIN or sum(each.size for each in chain) >= MAX_CHAIN_BYTES:
            yield channels.pop(update.channel)
    yield from channels.values()


def _steps(chain: Sequence[Update], last: Message | None) -> Iterator[_Step]:
    """Call the functions of updates, each with the message of the one before it."""
    for update in chain:
        try:
            message = update.change(last)
        except Exception as error:
            yield _Step(update, last, error=error)
        else:
            yield _Step(update, last, message)
            last = last if message is None else message


def _end(steps: Sequence[_Step], position: Position) -> None:
    """End updates; their messages follow ``position``."""
    for step in steps:
        if step.error is not None:
            step.update.fail(step.error)
        elif step.message is not None:
            position = Position(position.epoch, position.seq + 1)
            step.update.accept(Arrival(step.message, position))
        else:
            last = None if step.last is None else Arrival(step.last, position)
            step.update.end(Outcome(last, False))
            step.update.emission.expect(0)
