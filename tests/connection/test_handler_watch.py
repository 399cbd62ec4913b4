"""The handler of a connection, and how it ends with it."""

from __future__ import annotations

import asyncio

from c10kws.connection.watchdog import current
from tests.support.connections import open_connection


async def sleep() -> None:
    await asyncio.sleep(60)


def test_a_handler_that_goes_on_is_cancelled() -> None:
    async def main() -> None:
        _, connection, _ = open_connection(handler_timeout=0.01)
        watch = connection.handler
        assert watch.over
        task = asyncio.create_task(sleep())
        watch.set_task(task)
        assert not watch.over
        connection.connection_lost(None)
        await asyncio.wait([task], timeout=10)
        assert task.cancelled() and watch.over

    asyncio.run(main())


def test_a_handler_that_knows_of_the_end_has_time() -> None:
    async def main() -> None:
        _, connection, _ = open_connection(handler_timeout=0.01)

        async def handler() -> None:
            connection.handler.notice_end(connection)
            await sleep()

        task = asyncio.create_task(handler())
        connection.handler.set_task(task)
        connection.connection_lost(None)
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()

    asyncio.run(main())


def test_an_end_that_others_notice_does_not_count() -> None:
    async def main() -> None:
        _, connection, _ = open_connection(handler_timeout=0.01)
        task = asyncio.create_task(sleep())
        connection.handler.set_task(task)
        connection.connection_lost(None)
        connection.handler.notice_end(connection)
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()

    asyncio.run(main())


def test_only_the_task_of_now_is_watched() -> None:
    async def main() -> None:
        _, connection, _ = open_connection(handler_timeout=0.01)
        first, second = asyncio.create_task(sleep()), asyncio.create_task(sleep())
        connection.handler.set_task(first)
        connection.connection_lost(None)
        connection.handler.set_task(second)
        await asyncio.wait([second], timeout=10)
        assert (first.done(), second.cancelled()) == (False, True)
        first.cancel()

    asyncio.run(main())


def test_the_handlers_children_are_its_own() -> None:
    async def main() -> None:
        _, connection, _ = open_connection()
        watch, other = connection.handler, object()
        stranger = asyncio.create_task(sleep())
        watch.set_task(stranger)
        assert watch.is_own(stranger, connection)
        assert not watch.is_own(asyncio.current_task(), connection)
        current.set(connection)
        assert watch.is_own(asyncio.current_task(), connection)
        assert not watch.is_own(asyncio.current_task(), other)
        assert not watch.is_own(None, connection)
        stranger.cancel()

    asyncio.run(main())
