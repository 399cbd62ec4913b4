"""Posting from threads: no callback is lost, whatever happens between two steps of a thread."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado.mailbox import Mailbox

WAIT = 30


class Interleaved(deque[Any]):
    """A deque that calls a function directly after an append."""

    def __init__(self, other: Callable[[], None]) -> None:
        super().__init__()
        self._other: Callable[[], None] | None = other

    def append(self, item: Any) -> None:
        super().append(item)
        other, self._other = self._other, None
        if other is not None:
            other()


def in_thread(function: Callable[..., object], *args: object) -> None:
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join(WAIT)


def test_two_threads_that_post_at_once_wake_the_loop() -> None:
    async def run() -> list[str]:
        heard: asyncio.Queue[str] = asyncio.Queue()
        mailbox = Mailbox(asyncio.get_running_loop())
        mailbox._posted = Interleaved(lambda: in_thread(mailbox.post, heard.put_nowait, "second"))
        await asyncio.to_thread(mailbox.post, heard.put_nowait, "first")
        return [await asyncio.wait_for(heard.get(), WAIT) for _ in range(2)]

    assert asyncio.run(run()) == ["first", "second"]


def test_a_wake_up_that_finds_nothing_is_not_the_last() -> None:
    async def run() -> list[str]:
        heard: asyncio.Queue[str] = asyncio.Queue()
        mailbox = Mailbox(asyncio.get_running_loop())
        # The loop delivers what is posted before its poster has come to wake it.
        mailbox._posted = Interleaved(mailbox._deliver)
        mailbox.post(heard.put_nowait, "first")
        assert heard.get_nowait() == "first"
        await asyncio.sleep(0)
        await asyncio.to_thread(mailbox.post, heard.put_nowait, "second")
        return [await asyncio.wait_for(heard.get(), WAIT)]

    assert asyncio.run(run()) == ["second"]


def test_all_that_threads_post_arrives_in_their_order() -> None:
    async def run() -> list[int]:
        heard: list[int] = []
        over = asyncio.Event()
        mailbox = Mailbox(asyncio.get_running_loop())

        def post(thread: int) -> None:
            for number in range(1000):
                mailbox.post(heard.append, thread * 1000 + number)

        await asyncio.gather(*(asyncio.to_thread(post, thread) for thread in range(4)))
        mailbox.post(over.set)
        await asyncio.wait_for(over.wait(), WAIT)
        assert [number for number in heard if number < 1000] == list(range(1000))
        return heard

    assert sorted(asyncio.run(run())) == list(range(4000))


def test_a_callback_that_exits_does_not_stop_the_others() -> None:
    """As in a server, whose loop continues after SystemExit."""
    loop = asyncio.new_event_loop()
    mailbox = Mailbox(loop)
    heard: list[str] = []
    mailbox.post(sys.exit)
    mailbox.post(heard.append, "first")
    with pytest.raises(SystemExit):
        loop.run_forever()
    mailbox.post(heard.append, "second")
    mailbox.post(loop.stop)
    loop.call_later(WAIT, loop.stop)
    loop.run_forever()
    loop.close()
    assert heard == ["first", "second"]
