"""The last messages of a room, and reads that clients share."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.memory import MemoryBroker
from c10kws.events.brokers.message import Arrival, History, Message
from c10kws.events.emitting.backlog import Backlog


class SlowBroker(MemoryBroker):
    """Answers when the test does."""

    def __init__(self) -> None:
        super().__init__("default", {})
        self.answers: list[Future[History]] = []

    def read(self, *_: Any) -> Future[History]:
        self.answers.append(Future())
        return self.answers[-1]


def place(seq: int, epoch: str = "a") -> Position:
    return Position(epoch, seq)


def arrivals(*seqs: int, epoch: str = "a") -> list[Arrival]:
    return [Arrival(Message(str(seq)), place(seq, epoch)) for seq in seqs]


def history(*seqs: int) -> History:
    return History(place(seqs[-1]), arrivals(*seqs), recovered=True)


def backlog_of(broker: Broker, size: int = 3) -> Backlog:
    """Return a backlog without messages, at the position 5."""
    backlog = Backlog(broker, "room:/chat:1", HistoryLimits(size=size, ttl=60))
    backlog.begin(place(5))
    return backlog


async def begin(backlog: Backlog, since: Position) -> asyncio.Task[History]:
    task = asyncio.create_task(backlog.read(since))
    await asyncio.sleep(0)
    return task


def seqs_of(found: History) -> list[int]:
    return [row.position.seq for row in found.rows if row.position is not None]


def test_a_shared_read_is_completed_by_what_arrived_after_it() -> None:
    """The second client joins after the message 6, and the broker was read before it."""

    async def main() -> None:
        broker = SlowBroker()
        backlog = backlog_of(broker)
        first = await begin(backlog, place(2))
        (answer,) = broker.answers
        (later,) = arrivals(6)
        backlog.keep(later)
        second = await begin(backlog, place(3))
        assert broker.answers == [answer]
        answer.set_result(history(3, 4, 5))
        for task, seqs in ((first, [3, 4, 5, 6]), (second, [4, 5, 6])):
            found = await task
            assert (seqs_of(found), found.position, found.recovered) == (seqs, place(6), True)

    asyncio.run(main())


def test_a_read_that_is_older_than_what_is_kept_is_no_recovery() -> None:
    async def main() -> None:
        broker = SlowBroker()
        backlog = backlog_of(broker, size=2)
        reading = await begin(backlog, place(2))
        for arrival in arrivals(6, 7, 8):
            backlog.keep(arrival)
        broker.answers[0].set_result(history(3, 4, 5))
        found = await reading
        assert (seqs_of(found), found.position, found.recovered) == ([], place(8), False)

    asyncio.run(main())


def test_an_answer_that_is_ahead_of_what_has_arrived_stays_as_it_is() -> None:
    async def main() -> None:
        broker = SlowBroker()
        reading = await begin(backlog_of(broker), place(2))
        broker.answers[0].set_result(history(3, 4, 5, 6, 7))
        found = await reading
        assert (seqs_of(found), found.position) == ([3, 4, 5, 6, 7], place(7))

    asyncio.run(main())


def test_a_read_before_a_loss_is_not_shared_after_it() -> None:
    async def main() -> None:
        broker = SlowBroker()
        backlog = backlog_of(broker)
        first = await begin(backlog, place(2))
        backlog.restart(place(1, "b"))
        second = await begin(backlog, place(2))
        assert len(broker.answers) == 2
        broker.answers[0].set_result(history(3, 4, 5))
        broker.answers[1].set_result(History(place(1, "b")))
        assert seqs_of(await first) == [3, 4, 5]
        found = await second
        assert (found.position, found.recovered) == (place(1, "b"), False)

    asyncio.run(main())
