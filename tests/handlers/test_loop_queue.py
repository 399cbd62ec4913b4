"""Calls from threads on an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from c10kws.connection.loop import loop_state_of
from c10kws.handlers import loop_queue
from c10kws.handlers.loop_queue import LoopQueue
from tests.support.waiting import WAIT


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(WAIT)
    loop.close()


def finish(queue: LoopQueue) -> None:
    """Wait until the calls before this one are made."""
    done = threading.Event()
    queue.put(done.set, 0)
    assert done.wait(WAIT)


def test_calls_have_the_order_of_put(loop: asyncio.AbstractEventLoop) -> None:
    queue, made = LoopQueue(loop), list[int]()
    for number in range(1000):
        queue.put(lambda number=number: made.append(number), 10)
    finish(queue)
    assert made == list(range(1000))


def test_a_call_that_fails_does_not_stop_the_others(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    queue = LoopQueue(loop)
    queue.put(lambda: 1 / 0, 10)
    finish(queue)
    assert "A call on the event loop failed." in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_thread_waits_for_room(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_queue, "MAX_BYTES", 100)
    queue, blocked, made = LoopQueue(loop), threading.Event(), list[int]()
    queue.put(lambda: blocked.wait(WAIT), 60)
    queue.put(lambda: made.append(1), 60)
    thread = threading.Thread(target=lambda: (queue.wait_for_room(), made.append(2)))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive() and made == []
    blocked.set()
    thread.join(WAIT)
    finish(queue)
    assert sorted(made) == [1, 2]


def test_the_loop_makes_the_calls_itself_where_a_thread_would_wait(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_queue, "MAX_BYTES", 100)
    queue, made, most = LoopQueue(loop), list[int](), list[int]()

    async def put() -> None:
        for number in range(50):
            queue.wait_for_room()
            queue.put(lambda number=number: made.append(number), 60)
            most.append(number + 1 - len(made))

    asyncio.run_coroutine_threadsafe(put(), loop).result(WAIT)
    finish(queue)
    assert made == list(range(50))
    assert max(most) == 2


def test_long_calls_leave_the_loop_to_others(loop: asyncio.AbstractEventLoop) -> None:
    """Each takes its whole share of a turn, so another callback comes between two of them."""
    queue, made = LoopQueue(loop), list[str]()
    begun = threading.Event()

    def call() -> None:
        made.append("call")
        end = loop.time() + 2 * loop_queue.MAX_TURN
        while loop.time() < end:
            pass

    def other() -> None:
        made.append("other")

    queue.put(lambda: begun.wait(WAIT), 0)
    for _ in range(3):
        queue.put(call, 0)
    queue.put(lambda: loop.call_soon(other), 0)
    loop.call_soon_threadsafe(other)
    begun.set()
    finish(queue)
    assert made.index("other") < 3


def test_a_closed_loop_refuses_calls() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        LoopQueue(loop).put(lambda: None, 1)


def test_broadcasts_of_several_calls_are_a_batch(loop: asyncio.AbstractEventLoop) -> None:
    queue, blocked, batches = LoopQueue(loop), threading.Event(), list[bool]()
    queue.put(lambda: blocked.wait(WAIT), 0)
    for _ in range(2):
        queue.put(lambda: batches.append(loop_state_of(loop).batch), 0)
    blocked.set()
    finish(queue)
    loop.call_soon_threadsafe(lambda: batches.append(loop_state_of(loop).batch))
    finish(queue)
    assert batches == [True, True, False]
