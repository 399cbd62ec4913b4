"""A waiter that one task awaits again and again."""

from __future__ import annotations

import asyncio

from c10kws.connection.waiter import Waiter
from tests.support.connections import turn


def test_outside_of_tasks_the_waiting_one_is_resumed_at_once() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        waiter, log = Waiter(loop), list[str]()

        async def wait() -> None:
            while True:
                await waiter
                log.append("awake")

        task = asyncio.create_task(wait())
        await turn()
        assert waiter.busy
        loop.call_soon(lambda: (waiter.wake(), log.append("after"), waiter.wake()))
        await turn()
        assert log == ["awake", "after", "awake"]
        waiter.wake()  # in a task: soon
        assert len(log) == 3
        await turn()
        assert len(log) == 4
        task.cancel()
        await turn()
        assert task.cancelled() and not waiter.busy

    asyncio.run(main())


def test_a_cancelled_wait_leaves_a_waiter_that_works() -> None:
    async def main() -> None:
        waiter = Waiter(asyncio.get_running_loop())
        waiter.wake()  # nothing waits

        async def wait() -> None:
            await waiter

        first = asyncio.create_task(wait())
        await turn()
        first.cancel()
        await turn()
        second = asyncio.create_task(wait())
        await turn()
        waiter.wake()
        await asyncio.wait_for(second, 5)
        assert first.cancelled()

    asyncio.run(main())
