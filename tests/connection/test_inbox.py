"""Messages that wait for their reader, and TCP that holds the client back."""

from __future__ import annotations

import asyncio

import pytest

from c10kws.connection.cork import Cork
from c10kws.connection.inbox import EMPTY, MAX_INBOX, Inbox
from c10kws.protocol.messages import Message
from tests.support.connections import FakeTransport, turn

MIB = 1024 * 1024


def make(limit: int = MIB) -> tuple[Inbox, FakeTransport]:
    loop, transport = asyncio.get_running_loop(), FakeTransport()
    cork = Cork(loop, limit)
    cork.connect(transport)
    return Inbox(loop, cork), transport


def test_messages_are_taken_in_order() -> None:
    async def main() -> None:
        inbox, _ = make()
        inbox.put(["1", "2"])
        inbox.put(["3"])
        assert [inbox.take(last=True) for _ in range(3)] == ["1", "2", "3"]
        assert (inbox.received, EMPTY) == (3, [])

    asyncio.run(main())


def test_the_reader_is_resumed() -> None:
    async def main() -> None:
        inbox, _ = make()

        async def read() -> Message:
            await inbox.waiter
            return inbox.take(last=True)

        reading = asyncio.create_task(read())
        await turn()
        inbox.put(["x"])
        inbox.waiter.wake()
        assert await asyncio.wait_for(reading, 5) == "x"

    asyncio.run(main())


@pytest.mark.parametrize("messages", [["x"] * (MAX_INBOX + 1), [bytes(600), bytes(600)]])
def test_a_full_inbox_pauses_reading_until_it_is_empty(messages: list[Message]) -> None:
    async def main() -> None:
        inbox, transport = make(limit=1100)
        inbox.put(list(messages))
        assert inbox.full
        inbox.hold_back(has_more=False)
        inbox.hold_back(has_more=False)
        assert (transport.calls, inbox.observed) == (["pause_reading"], True)
        for _ in messages[1:]:
            inbox.take(last=True)
        assert inbox.paused
        inbox.take(last=True)
        assert transport.calls == ["pause_reading", "resume_reading"]
        assert not inbox.observed

    asyncio.run(main())


def test_reading_stays_paused_while_the_protocol_holds_more() -> None:
    async def main() -> None:
        inbox, transport = make()
        inbox.put(["x"])
        inbox.hold_back(has_more=False)
        assert not inbox.paused
        inbox.hold_back(has_more=True)
        inbox.take(last=False)
        assert (inbox.paused, transport.calls) == (True, ["pause_reading"])

    asyncio.run(main())


def test_after_the_end_nothing_pauses_and_the_reader_stays_observed() -> None:
    async def main() -> None:
        inbox, transport = make(limit=0)
        cork = inbox._cork
        inbox.put(["x"])
        inbox.hold_back(has_more=False)
        cork.end()
        inbox.end()
        inbox.resume()
        assert inbox.observed
        inbox.hold_back(has_more=True)
        assert transport.calls == ["pause_reading", "resume_reading"]
        transport.close()
        inbox.resume()
        assert transport.calls[-1] == "close"

    asyncio.run(main())


def test_the_oldest_messages_are_taken_together() -> None:
    async def main() -> None:
        inbox, _ = make()
        assert inbox.take_some(2) == []
        inbox.put(["a", "b", "c"])
        assert inbox.take_some(2) == ["a", "b"]
        assert inbox.take_some(2) == ["c"]
        assert (EMPTY, inbox.messages) == ([], [])

    asyncio.run(main())
