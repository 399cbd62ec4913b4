"""Updates over a connection that is lost, that refuses, or on which others come in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.link import wire
from c10kws.events.brokers.link.commands import Update
from c10kws.events.brokers.link.connection import (
    BrokerConnection,
    ConnectionLost,
    Deliver,
    LastRow,
    Outgoing,
    Refused,
)
from c10kws.events.brokers.link.fallback import Fallback
from c10kws.events.brokers.link.inbound import Inbound
from c10kws.events.brokers.link.numbering import Numbering
from c10kws.events.brokers.link.updates import Updates
from c10kws.events.brokers.message import Message
from c10kws.events.brokers.receivers import Receivers
from c10kws.events.exceptions import BrokerUnavailable
from c10kws.handlers.broker_counts import BrokerCounts
from tests.support.brokers import COUNTED, add_one

CHANNEL = "room:/chat:1"


@dataclass
class Script(BrokerConnection):
    """A connection with prepared answers; ``asked`` are the questions."""

    answers: list[LastRow | Position | Exception]
    asked: list[str | tuple[int, str]] = field(default_factory=list)

    async def last(self, channel: str, limits: HistoryLimits) -> LastRow:
        self.asked.append("last")
        found = self._answer()
        assert isinstance(found, LastRow)
        return found

    async def publish_after(
        self, expected: Position, messages: Sequence[Outgoing]
    ) -> Position | LastRow:
        texts = [wire.decode(message.payload).message.text for message in messages]
        self.asked.append((expected.seq, " ".join(texts)))
        return self._answer()

    def _answer(self) -> LastRow | Position:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def open(self) -> None: ...
    async def run(self, deliver: Deliver) -> None: ...
    async def subscribe(self, channels: Sequence[str]) -> None: ...
    async def unsubscribe(self, channels: Sequence[str]) -> None: ...
    async def ping(self) -> None: ...
    async def close(self) -> None: ...

    async def publish(self, batch: Sequence[Outgoing]) -> Sequence[Exception | None]:
        return []

    async def position(self, channel: str, limits: HistoryLimits) -> Position:
        raise ConnectionLost

    async def rows(self, channel: str, since: Position) -> Sequence[tuple[Position, bytes]] | None:
        return None


class World:
    """Updates of a process without subscriptions."""

    def __init__(self) -> None:
        receivers = Receivers()
        numbering = Numbering()
        self.counts = BrokerCounts()
        self.inbound = Inbound(receivers, numbering, self.counts, lambda channel: None)
        fallback = Fallback("default", receivers, self.counts)
        self.updates = Updates(self.inbound, fallback, numbering, self.counts)

    def run(self, connection: Script) -> Update:
        update = Update(CHANNEL, add_one, COUNTED, Emission(), 0)
        asyncio.run(self.updates.execute(connection, [update]))
        return update


@pytest.fixture
def world() -> World:
    return World()


def row(seq: int, text: str | None = None) -> LastRow:
    payload = None if text is None else wire.encode(wire.Packet("other", 1, Message(text)))
    return LastRow(Position("e", seq), payload)


def test_the_last_row_is_read_once(world: World) -> None:
    connection = Script([row(0), Position("e", 1), Position("e", 2)])
    for number in (1, 2):
        update = world.run(connection)
        last = update.result.result(0).last
        assert last is not None and (last.message.text, last.position) == (
            str(number),
            Position("e", number),
        )
        assert update.emission.done()
    assert connection.asked == ["last", (0, "1"), (1, "2")]
    assert world.inbound.returning == {}
    assert world.counts.published == 2


def updates_of(*channels: str) -> list[Update]:
    return [Update(channel, add_one, COUNTED, Emission(), 0) for channel in channels]


def test_updates_of_a_channel_are_one_question(world: World) -> None:
    connection = Script([row(0), row(5, "7"), Position("e", 7), row(0), Position("e", 1)])
    updates = updates_of("a", "b", "a")
    look = Update("a", lambda last: None, COUNTED, Emission(), 0)
    asyncio.run(world.updates.execute(connection, [*updates, look]))
    assert connection.asked == ["last", (0, "1 2"), (5, "8 9"), "last", (0, "1")]
    lasts = [each.result.result(0).last for each in (*updates, look)]
    found = [(each.message.text, each.position) for each in lasts if each is not None]
    places = [("8", 6), ("1", 1), ("9", 7), ("9", 7)]
    assert found == [(text, Position("e", seq)) for text, seq in places]
    assert [each.result.result(0).changed for each in (*updates, look)] == [True] * 3 + [False]


def test_an_error_in_between_ends_one_update(world: World) -> None:
    def fail(last: Message | None) -> Message:
        raise ZeroDivisionError

    failing = Update("a", fail, COUNTED, Emission(), 0)
    one, other = updates_of("a", "a")
    asyncio.run(world.updates.execute(Script([row(0), Position("e", 2)]), [one, failing, other]))
    assert one.result.result(0).changed and other.result.result(0).changed
    with pytest.raises(ZeroDivisionError):
        failing.result.result(0)


def test_many_updates_are_several_questions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c10kws.events.brokers.link.updates.MAX_CHAIN", 2)
    connection = Script([row(0), Position("e", 2), Position("e", 3)])
    asyncio.run(world.updates.execute(connection, updates_of("a", "a", "a")))
    assert connection.asked == ["last", (0, "1 2"), (2, "3")]


def test_after_a_lost_connection_the_others_fail(world: World) -> None:
    updates = updates_of("a", "b")
    with pytest.raises(ConnectionLost):
        asyncio.run(world.updates.execute(Script([row(0), ConnectionLost("cut")]), updates))
    assert not updates[0].result.done()
    with pytest.raises(BrokerUnavailable, match="cut"):
        updates[1].result.result(0)


def test_a_row_that_comes_in_between_is_counted(world: World) -> None:
    connection = Script([row(3, "3"), row(5, "7"), Position("e", 6)])
    assert world.run(connection).result.result(0).changed
    assert connection.asked == ["last", (3, "4"), (5, "8")]


def test_a_broker_that_has_lost_its_histories(world: World) -> None:
    lost = LastRow(Position("new", 0), None)
    connection = Script([row(6, "6"), Position("e", 7), lost, Position("new", 1)])
    for _ in range(2):
        assert world.run(connection).result.result(0).changed
    assert connection.asked == ["last", (6, "7"), (7, "8"), (0, "8")]
    expired = LastRow(Position("new", 1), None)
    connection = Script([expired, Position("new", 2)])
    assert world.run(connection).result.result(0).changed
    assert connection.asked == [(1, "9"), (1, "1")]


def test_a_message_whose_answer_is_lost_is_not_sent_again(world: World) -> None:
    connection = Script([row(0), ConnectionLost("cut")])
    update = Update(CHANNEL, add_one, COUNTED, Emission(), 0)
    with pytest.raises(ConnectionLost):
        asyncio.run(world.updates.execute(connection, [update]))
    assert not update.emission.done()  # it may come back
    (returning,) = world.inbound.returning.values()
    assert returning is update
    assert connection.asked == ["last", (0, "1")]


def test_a_message_that_could_not_be_sent_fails(world: World) -> None:
    update = Update(CHANNEL, add_one, COUNTED, Emission(), 0)
    with pytest.raises(ConnectionLost):
        asyncio.run(world.updates.execute(Script([ConnectionLost("cut")]), [update]))
    for waiting in (update.emission, update.result):
        with pytest.raises(BrokerUnavailable, match="cut"):
            waiting.result(0)
    assert world.inbound.returning == {}


def test_a_refused_message_fails(world: World) -> None:
    update = world.run(Script([row(0), Refused("full")]))
    with pytest.raises(BrokerUnavailable, match="it refused the event: full"):
        update.result.result(0)
    assert world.inbound.returning == {}


def test_an_update_that_others_precede_for_too_long_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c10kws.events.brokers.link.updates.TIMEOUT", 0)
    update = world.run(Script([row(0)]))
    with pytest.raises(BrokerUnavailable, match="other processes came first"):
        update.result.result(0)


def test_only_the_last_channels_are_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c10kws.events.brokers.link.updates.MAX_ROWS", 1)
    connection = Script([row(0), Position("e", 1)] * 3)
    for channel in ("a", "b", "a"):
        update = Update(channel, add_one, COUNTED, Emission(), 0)
        asyncio.run(world.updates.execute(connection, [update]))
    assert connection.asked.count("last") == 3
