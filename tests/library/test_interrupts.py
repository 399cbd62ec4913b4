"""Which BaseExceptions pass, and which are the application's."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from c10kws.interrupts import is_ctrl_c, must_pass


class Seen:
    """A coroutine that raises or waits, and what ``must_pass`` says of what comes out of it."""

    def __init__(self) -> None:
        self.passes: list[bool] = []

    async def call(self, function: Callable[[], Any]) -> None:
        try:
            waiting = function()
            if waiting is not None:
                await waiting
        except BaseException as error:
            self.passes.append(must_pass(error))
            if self.passes[-1]:
                raise


def raising(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


@pytest.mark.parametrize(
    "error", [SystemExit(1), GeneratorExit(), asyncio.CancelledError(), BaseException("panic")]
)
def test_what_the_application_raises_does_not_pass(error: BaseException) -> None:
    seen = Seen()
    asyncio.run(seen.call(raising(error)))
    assert seen.passes == [False]


def test_the_cancellation_of_something_else_does_not_pass() -> None:
    seen = Seen()

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await seen.call(lambda: future)

    asyncio.run(main())
    assert seen.passes == [False]


def test_the_cancellation_of_the_task_passes() -> None:
    seen = Seen()

    async def main() -> None:
        task = asyncio.create_task(seen.call(lambda: asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen.passes == [True]


def test_the_end_of_a_closed_coroutine_passes() -> None:
    seen = Seen()
    future = asyncio.new_event_loop().create_future()
    coroutine = seen.call(lambda: future)
    coroutine.send(None)
    coroutine.close()
    future.get_loop().close()
    assert seen.passes == [True]


def test_ctrl_c_is_what_python_itself_raises_in_the_main_thread() -> None:
    found: list[bool] = []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert is_ctrl_c(KeyboardInterrupt())
    assert not is_ctrl_c(SystemExit())
    thread = threading.Thread(target=lambda: found.append(is_ctrl_c(KeyboardInterrupt())))
    thread.start()
    thread.join()
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        found.append(is_ctrl_c(KeyboardInterrupt()))
    finally:
        signal.signal(signal.SIGINT, previous)
    assert found == [False, False]
