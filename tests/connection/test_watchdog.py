"""The timer that cancels a handler which goes on after the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from c10kws.connection import watchdog
from c10kws.connection.watchdog import MAX_LATE_USES, Watchdog, name_of


class Handlers:
    """The tasks that a stop of the server waits for."""

    def __init__(self) -> None:
        self.forgotten: list[asyncio.Task[None]] = []

    def forget(self, task: asyncio.Task[None]) -> None:
        self.forgotten.append(task)


def test_a_handler_that_ignores_its_cancellation_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def stubborn() -> None:
            while not release.is_set():
                with suppress(asyncio.CancelledError):
                    await release.wait()

        handlers = Handlers()
        task = asyncio.create_task(stubborn(), name="/chat/?secret")
        Watchdog(task, 0.01, handlers).start()
        while not handlers.forgotten:
            await asyncio.sleep(0.01)
        assert handlers.forgotten == [task]
        release.set()
        await task

    asyncio.run(asyncio.wait_for(main(), 10))
    assert "/chat/: the handler still runs" in caplog.text
    assert "secret" not in caplog.text


def test_a_loop_around_the_end_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PAUSE", 0.01)

    async def main() -> None:
        dog: Watchdog
        uses = 0

        async def loops() -> None:
            nonlocal uses
            while True:
                uses += 1
                await dog.pace()

        task = asyncio.create_task(loops(), name="/loop/")
        dog = Watchdog(task, 60, None)
        dog.notice()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled()
        assert uses == MAX_LATE_USES
        dog.stop()

    asyncio.run(main())


def test_it_has_nothing_to_do_for_a_handler_that_is_done() -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.sleep(0), name="/done/")
        await task
        for dog in (Watchdog(task, 0, None), Watchdog(None, 0, None)):
            dog.start()
            assert dog._timer is None
        assert name_of(task) == "/done/"

    asyncio.run(main())
