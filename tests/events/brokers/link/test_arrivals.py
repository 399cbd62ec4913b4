"""A broker whose connection answers in an order of the test's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.link import wire
from c10kws.events.brokers.link.connection import BrokerConnection, Deliver, LastRow, Outgoing
from c10kws.events.brokers.linked import LinkedBroker
from c10kws.events.brokers.message import Message
from c10kws.events.exceptions import BrokerUnavailable
from tests.support.brokers import listen, publish
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.usefixtures("serve")

CHANNEL = "room:/chat:1"
LIMITS = HistoryLimits(5, 60)
EPOCH = "epoch"


def row(seq: int) -> tuple[Position, bytes]:
    return Position(EPOCH, seq), wire.encode(wire.Packet("other", seq, Message(str(seq))))


class FakeConnection(BrokerConnection):
    """Delivers messages 1 and 2 before it answers that the last position is 1."""

    def __init__(self) -> None:
        self._ran = asyncio.Event()
        self._deliver: Deliver

    async def open(self) -> None: ...

    async def run(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._ran.set()
        await asyncio.get_running_loop().create_future()

    async def subscribe(self, channels: Sequence[str]) -> None:
        await self._ran.wait()

    async def unsubscribe(self, channels: Sequence[str]) -> None: ...

    async def position(self, channel: str, limits: HistoryLimits) -> Position:
        for seq in (1, 2):
            await self._arrive(seq)
        return Position(EPOCH, 1)

    async def _arrive(self, seq: int) -> None:
        position, payload = row(seq)
        await self._deliver(CHANNEL, payload, position)

    async def publish(self, batch: Sequence[Outgoing]) -> Sequence[Exception | None]:
        if batch[0].channel != CHANNEL:
            raise ZeroDivisionError
        await self._arrive(3)
        return [None]

    async def rows(self, channel: str, since: Position) -> Sequence[tuple[Position, bytes]]:
        return [row(seq) for seq in range(since.seq + 1, 4)]

    async def publish_after(
        self, expected: Position, messages: Sequence[Outgoing]
    ) -> Position | LastRow:
        raise AssertionError("nothing is updated")

    async def last(self, channel: str, limits: HistoryLimits) -> LastRow:
        raise AssertionError("nothing is updated")

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class FakeBroker(LinkedBroker):
    """A broker with such connections."""

    features = frozenset()

    def connect(self) -> BrokerConnection:
        return FakeConnection()


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    made = FakeBroker("fake", {})
    yield made
    made.close(0)


def test_messages_that_overtake_the_confirmation_arrive_once(broker: FakeBroker) -> None:
    listener = listen(broker, CHANNEL, LIMITS)
    publish(broker, "", CHANNEL, LIMITS)
    eventually(lambda: "3" in listener.texts)
    assert (listener.texts, listener.resets) == (["2", "3"], [])


def test_an_unexpected_error_ends_the_command_but_not_the_link(
    broker: FakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BrokerUnavailable, match="ZeroDivisionError"):
        publish(broker, "a", "room:/chat:2").result(WAIT)
    eventually(lambda: "The link to the broker 'fake' has failed." in caplog.text)
    listener = listen(broker, CHANNEL, LIMITS)
    eventually(lambda: listener.texts == ["2"])
