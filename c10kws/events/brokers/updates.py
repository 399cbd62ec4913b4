"""``Updates``: carries out updates, which make a message from the last one of its channel."""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic

from ...handlers.broker_counts import BrokerCounts
from . import wire
from .commands import Update
from .connection import BrokerConnection, ConnectionLost, LastRow, Outgoing, Refused
from .fallback import Fallback
from .history import Position
from .inbound import Inbound
from .message import Arrival, Message, Outcome
from .numbering import Numbering

#: Channels whose last row is remembered, so that the next update needs only one question.
MAX_ROWS = 1024
#: Seconds in which an update is tried again while other processes publish, too. Less than
#: OPERATION_TIMEOUT of the link.
TIMEOUT = 4.0

Row = tuple[Position, Message | None]


class Updates:
    """Carries out updates, in the thread of the link.

    The broker publishes a message only if the message was made from the row that is still the last
    one of its channel. Otherwise the broker returns the last row, and the message is made again.
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

    async def execute(self, connection: BrokerConnection, update: Update) -> None:
        """Carry out an update. Raises ConnectionLost."""
        if update.emission.done():  # it has failed: it has waited too long
            return
        try:
            await self._update(connection, update)
        except Refused as error:
            self._fallback.handle(update, f"it refused the event: {error}")
        except ConnectionLost as error:
            self._lose(update, str(error))
            raise
        except Exception as error:  # of ``change``
            update.fail(error)
        except BaseException:  # such as the cancellation by a timeout
            self._lose(update, "it does not answer")
            raise

    def _lose(self, update: Update, reason: str) -> None:
        """Fail an update, unless its message was sent and may still come back."""
        if update not in self._inbound.returning.values():
            self._fallback.handle(update, reason)

    async def _update(self, connection: BrokerConnection, update: Update) -> None:
        end = monotonic() + TIMEOUT
        row = self._remembered(update.channel)
        known = row is not None
        while monotonic() < end:
            if row is None:
                row = self._read(update, await connection.last(update.channel, update.limits))
            position, last = row
            message = update.change(last)
            if message is not None:
                row = await self._publish(connection, update, position, message)
                if row is None:
                    return
            elif known:  # the remembered row may not be the last one any more
                row = None
            else:
                update.end(Outcome(None if last is None else Arrival(last, position), False))
                update.emission.expect(0)
                return
            known = False
        self._fallback.handle(update, f"other processes came in between for {TIMEOUT:g} s")

    async def _publish(
        self, connection: BrokerConnection, update: Update, last: Position, message: Message
    ) -> Row | None:
        """Publish a message after the last row; if there is another one, return it."""
        expires = monotonic() + update.limits.ttl
        key = self._numbering.next(update.channel)
        payload = wire.encode(wire.Packet(*key, message))
        self._inbound.returning[key] = update
        try:
            outgoing = Outgoing(update.channel, payload, update.limits)
            found = await connection.publish_after(last, outgoing)
        except Refused:
            self._inbound.returning.pop(key, None)
            raise
        if isinstance(found, LastRow):
            self._inbound.returning.pop(key, None)
            return self._read(update, found)
        self._counts.published += 1
        self._remember(update.channel, expires, (found, message))
        update.accept(Arrival(message, found))
        if not self._inbound.is_confirmed(update.channel):
            self._inbound.returning.pop(key, None)
            update.emission.expect(0)
        return None

    def _remembered(self, channel: str) -> Row | None:
        expires, row = self._rows.get(channel, (0.0, None))
        return row if monotonic() < expires else None

    def _remember(self, channel: str, expires: float, row: Row) -> None:
        self._rows[channel] = expires, row
        self._rows.move_to_end(channel)
        if len(self._rows) > MAX_ROWS:
            self._rows.popitem(last=False)

    def _read(self, update: Update, row: LastRow) -> Row:
        """Return a row; the last one that is known here if the broker has lost its histories."""
        if row.payload is not None:
            return row.position, wire.decode(row.payload).message
        remembered = self._remembered(update.channel)
        if remembered is None or row.position.seq:
            return row.position, None
        return row.position, remembered[1]
