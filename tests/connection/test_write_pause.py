"""The time in which the client reads slowly, and what it counts."""

from __future__ import annotations

import asyncio

from c10kws.connection.items import SharedMessage
from c10kws.connection.total_queue import total_queue
from c10kws.connection.write_pause import WritePause
from tests.support.connections import turn


def test_a_broadcast_in_flight_counts_once_for_all() -> None:
    async def main() -> None:
        before, item = total_queue.size, SharedMessage("x", bytes(100))
        loop = asyncio.get_running_loop()
        pauses = [WritePause(loop, item) for _ in range(3)]
        assert total_queue.size == before + 100
        pauses[0].recount(5)  # bytes of one client only
        for pause in pauses:
            assert total_queue.size == before + 100
            pause.end()
        assert total_queue.size == before

    asyncio.run(main())


def test_all_who_wait_go_on() -> None:
    async def main() -> None:
        pause = WritePause(asyncio.get_running_loop())
        waiting = [asyncio.create_task(pause.wait()) for _ in range(3)]
        await turn()
        waiting[0].cancel()
        await turn()
        assert [task.done() for task in waiting] == [True, False, False]
        pause.wake()
        pause.end()
        await asyncio.wait(waiting)
        assert not waiting[1].cancelled()

    asyncio.run(main())
