"""Frames that leave together, and the pauses of the transport."""

from __future__ import annotations

import asyncio

import pytest

from c10kws.connection.cork import FULL, HIGH_WATER, LONG, MAX_FRAMES, Cork
from c10kws.connection.items import SharedMessage
from c10kws.connection.total_queue import total_queue
from tests.support.connections import FakeTransport, turn

MIB = 1024 * 1024


def connected(max_queue_bytes: int = MIB) -> tuple[Cork, FakeTransport]:
    cork, transport = Cork(asyncio.get_running_loop(), max_queue_bytes), FakeTransport()
    cork.connect(transport)
    return cork, transport


def test_frames_of_one_turn_are_one_write() -> None:
    async def main() -> None:
        cork, transport = connected()
        cork.push(b"a")
        cork.push_long(b"b", b"c")
        assert transport.writes == []
        await turn()
        assert transport.writes == [b"abc"]
        cork.push(b"d")
        await turn()
        assert transport.writes == [b"abc", b"d"]

    asyncio.run(main())


def test_nothing_is_scheduled_while_a_flush_follows() -> None:
    async def main() -> None:
        cork, transport = connected()
        cork.flush_follows = True
        cork.push(b"a")
        await turn()
        assert transport.writes == []
        cork.flush()
        assert transport.writes == [b"a"]

    asyncio.run(main())


def test_a_full_cork_is_written_at_once() -> None:
    async def main() -> None:
        cork, transport = connected()
        for _ in range(MAX_FRAMES):
            cork.push(b"x")
        assert transport.writes == [b"x" * MAX_FRAMES]
        cork.push(bytes(FULL))
        assert len(transport.writes) == 2

    asyncio.run(main())


def test_long_frames_are_not_joined() -> None:
    async def main() -> None:
        cork, transport = connected()
        cork.push_long(b"h", bytes(LONG))
        cork.flush()
        assert transport.calls == ["writelines"]
        assert len(transport.writes[0]) == LONG + 1

    asyncio.run(main())


def test_frames_wait_for_the_transport_and_are_dropped_with_it() -> None:
    async def main() -> None:
        cork = Cork(asyncio.get_running_loop(), MIB)
        cork.push(b"early")
        await turn()
        assert (cork.frames, cork.unsent) == ([b"early"], 0)
        transport = FakeTransport()
        cork.connect(transport)
        transport.unsent = 7
        assert cork.unsent == 12
        cork.flush()
        assert (transport.writes, cork.unsent) == ([b"early"], 7)
        cork.push(b"late")
        cork.close()
        cork.flush()
        assert (transport.writes, cork.unsent) == ([b"early"], 0)

    asyncio.run(main())


@pytest.mark.parametrize(("limit", "high"), [(HIGH_WATER - 1, HIGH_WATER - 1), (HIGH_WATER, None)])
def test_a_small_queue_lowers_the_high_water_mark(limit: int, high: int | None) -> None:
    async def main() -> None:
        _, transport = connected(limit)
        assert transport.high == high

    asyncio.run(main())


def test_of_the_pongs_of_a_pause_the_latest_is_sent() -> None:
    async def main() -> None:
        cork, transport = connected()
        cork.push_pong(b"1")
        cork.begin_pause(None)
        cork.push_pong(b"2")
        cork.push_pong(b"3")
        cork.end_pause()
        await turn()
        assert transport.writes == [b"13"]

    asyncio.run(main())


def test_a_close_follows_the_pong_that_waits() -> None:
    async def main() -> None:
        cork, transport = connected()
        cork.begin_pause(None)
        cork.push_pong(b"pong ")
        cork.push_close(b"close")
        assert transport.writes == [b"pong close"]
        cork.end_pause()
        await turn()
        assert transport.writes == [b"pong close"]

    asyncio.run(main())


def test_drain_waits_for_the_end_of_a_pause() -> None:
    async def main() -> None:
        cork, _ = connected()
        await asyncio.wait_for(cork.drain(), 5)
        cork.begin_pause(None)
        waiting = asyncio.create_task(cork.drain())
        await turn()
        assert not waiting.done()
        cork.end_pause()
        await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


def test_drain_waits_for_the_transport_and_no_longer_than_to_the_end() -> None:
    async def main() -> None:
        cork = Cork(asyncio.get_running_loop(), MIB)
        first = asyncio.create_task(cork.drain())
        await turn()
        cork.connect(FakeTransport())
        cork.end_pause()
        await asyncio.wait_for(first, 5)
        cork.begin_pause(None)
        second = asyncio.create_task(cork.drain())
        await turn()
        cork.end()
        await asyncio.wait_for(second, 5)
        await asyncio.wait_for(cork.drain(), 5)
        cork.close()

    asyncio.run(main())


def test_after_many_writes_drain_lets_others_run() -> None:
    async def main() -> None:
        cork, transport = connected()
        turns: list[int] = []
        asyncio.get_running_loop().call_soon(turns.append, 1)
        cork.push(b"x")
        await cork.drain()
        assert not turns
        cork.writes = MAX_FRAMES
        await cork.drain()
        assert (turns, cork.writes, transport.writes) == ([1], 0, [b"x"])

    asyncio.run(main())


def test_a_pause_counts_what_the_transport_has() -> None:
    async def main() -> None:
        before = total_queue.size
        cork, transport = connected()
        transport.unsent = 1000
        cork.begin_pause(None)
        assert total_queue.size == before + 1000
        transport.unsent = 400
        cork.begin_pause(SharedMessage("ignored", bytes(5000)))  # it lasts already
        cork.end()
        cork.recount()
        assert total_queue.size == before + 400
        cork.abort_in_flight()
        assert (total_queue.size, transport.calls) == (before, ["abort"])

    asyncio.run(main())
