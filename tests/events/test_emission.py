"""The result of an emit."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction

from c10kws.events import Emission, EventSocket, RolledBack, Socket
from tests.support.events import Connect
from tests.support.waiting import WAIT, eventually


def test_it_is_done_when_all_event_loops_have_written_the_event() -> None:
    emission = Emission()
    assert not emission.done()
    emission.expect(2)
    emission.count()
    assert not emission.done()
    with pytest.raises(TimeoutError):
        emission.result(0.01)
    threading.Timer(0.02, emission.count).start()
    emission.result(WAIT)
    assert emission.done()
    emission.result()


def test_without_clients_it_is_done() -> None:
    emission = Emission()
    waiting = threading.Thread(target=emission.result)
    waiting.start()
    emission.expect(0)
    waiting.join(WAIT)
    assert emission.done() and not waiting.is_alive()


def test_its_error_is_raised() -> None:
    early, late = Emission(), Emission()
    early.fail(LookupError("early"))
    for _ in range(2):
        with pytest.raises(LookupError, match="early"):
            early.result()

    async def main() -> None:
        with pytest.raises(LookupError, match="early"):
            await early
        asyncio.get_running_loop().call_later(0.01, late.fail, LookupError("late"))
        with pytest.raises(LookupError, match="late"):
            await late

    asyncio.run(main())


def test_an_error_after_a_cancelled_await_is_not_logged() -> None:
    errors: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        emission = Emission()
        task = asyncio.ensure_future(emission)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        emission.fail(LookupError("late"))
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(main())
    assert errors == []


def test_result_does_not_block_an_event_loop() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="await the emit"):
            Emission().result()

    asyncio.run(main())


def test_a_cancelled_task_leaves_it_as_it_is() -> None:
    async def main() -> None:
        emission = Emission()
        task = asyncio.create_task(_wait(emission))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        emission.expect(0)
        await emission

    asyncio.run(main())


async def _wait(emission: Emission) -> None:
    await emission


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_is_sent_after_an_awaited_emit_comes_after_it(
    chat: EventSocket, connect: Connect, kind: str
) -> None:
    if kind == "sync":

        @chat.on("ask")
        def ask(socket: Socket) -> None:
            chat.emit("to all").result(WAIT)
            socket.emit("to one")

    else:

        @chat.on("ask")
        async def ask_async(socket: Socket) -> None:
            await chat.emit("to all")
            await socket.emit("to one")

    with connect() as client:
        eventually(lambda: len(chat) == 1)
        for _ in range(20):
            client.send("ask")
            assert [client.receive()["event"] for _ in range(2)] == ["to all", "to one"]


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_transaction_is_rolled_back(chat: EventSocket, connect: Connect) -> None:
    with connect(), pytest.raises(ZeroDivisionError), transaction.atomic():
        with transaction.atomic():
            kept = chat.emit("kept")
        with suppress(IndexError), transaction.atomic():
            dropped = chat.emit("dropped")
            raise IndexError
        with pytest.raises(RolledBack, match="The event 'dropped' of '/chat' was not sent"):
            dropped.result(WAIT)
        assert not kept.done()
        raise ZeroDivisionError
    with pytest.raises(RolledBack):
        kept.result(WAIT)


def test_an_event_that_waits_for_a_commit(chat: EventSocket, connect: Connect) -> None:
    results: list[Any] = []

    @chat.on
    def save() -> None:
        with transaction.atomic():
            emission = chat.emit("saved")
            results.append(emission.done())
            with pytest.raises(RuntimeError, match="on_commit=False"):
                emission.result(WAIT)
        emission.result(WAIT)
        results.append(emission.done())

    with connect() as client:
        eventually(lambda: len(chat) == 1)
        client.send("save")
        assert client.expect("saved") == {}
        eventually(lambda: results == [False, True])
