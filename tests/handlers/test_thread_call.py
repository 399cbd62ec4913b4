"""``call_in_thread`` behaves as ``sync_to_async``, in the threads of a handler and elsewhere."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
from asgiref.local import Local
from asgiref.sync import async_to_sync, sync_to_async

from c10kws.handlers.thread_call import call_in_thread
from c10kws.handlers.threads import HandlerThreads
from c10kws_tornado.pool import Pool
from tests.support.waiting import WAIT

Call = Callable[[Callable[[], object]], Awaitable[object]]
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class Caller:
    """A handler that is never idle."""

    waiting = False


@pytest.fixture
def pool() -> Iterator[Pool]:
    one = Pool(1)
    yield one
    one.shutdown(wait=True)


@pytest.fixture(params=["call_in_thread", "sync_to_async"])
def call(request: pytest.FixtureRequest) -> Call:
    """The two functions that behave in the same way."""
    return call_in_thread if request.param == "call_in_thread" else by_asgiref


async def by_asgiref(function: Callable[[], object]) -> None:
    await sync_to_async(function, thread_sensitive=True)()


def run(pool: Pool, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine as a handler is run."""
    context, caller = contextvars.copy_context(), Caller()
    context.run(HandlerThreads(pool).enter, caller)

    async def inside() -> None:
        await asyncio.wait_for(
            asyncio.get_running_loop().create_task(main(), context=context), WAIT
        )  # type: ignore[arg-type]

    asyncio.run(inside())


def test_context_variables_and_locals_go_to_the_thread_and_back(pool: Pool, call: Call) -> None:
    local, seen = Local(), []

    def function() -> None:
        seen.append((variable.get(), local.name, threading.current_thread().name))
        variable.set("from the thread")
        local.name = "thread"

    async def main() -> None:
        variable.set("from the task")
        local.name = "task"
        for _ in range(2):
            await call(function)
        assert (variable.get(), local.name) == ("from the thread", "thread")

    run(pool, main)
    name = "c10kws-handler-1"
    assert seen == [("from the task", "task", name), ("from the thread", "thread", name)]


def test_a_function_may_run_coroutines_on_the_loop(pool: Pool, call: Call) -> None:
    threads: list[int] = []

    async def inner() -> None:
        threads.append(threading.get_ident())
        variable.set("from inside")

    async def main() -> None:
        await call(async_to_sync(inner))
        assert variable.get() == "from inside"

    run(pool, main)
    assert threads == [threading.get_ident()]


def test_an_exception_reaches_the_task_and_leaves_no_garbage(pool: Pool, call: Call) -> None:
    class Failure(Exception):
        pass

    errors: list[weakref.ref[Failure]] = []

    def fail() -> None:
        raise Failure

    async def main() -> None:
        try:
            await call_in_thread(fail)
        except Failure as error:
            errors.append(weakref.ref(error))
        with pytest.raises(Failure):
            await call(fail)

    gc.disable()
    try:
        run(pool, main)
        assert errors[0]() is None
    finally:
        gc.enable()


def test_a_cancelled_task_cancels_the_coroutine_that_its_function_waits_for(
    pool: Pool, call: Call
) -> None:
    ended = threading.Event()

    async def main() -> None:
        begun = asyncio.Event()

        async def inner() -> None:
            begun.set()
            try:
                await asyncio.sleep(WAIT)
            finally:
                ended.set()

        task = asyncio.ensure_future(call(async_to_sync(inner)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(pool, main)
    assert ended.wait(WAIT)


def test_a_function_that_waits_for_a_thread_is_dropped_when_its_task_is_cancelled(
    pool: Pool, call: Call
) -> None:
    go_on, called = threading.Event(), []

    async def main() -> None:
        busy = asyncio.ensure_future(call(lambda: go_on.wait(WAIT)))
        queued = asyncio.ensure_future(call(lambda: called.append(1)))
        await asyncio.sleep(0)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        go_on.set()
        await busy

    run(pool, main)
    assert called == []


def test_a_function_that_a_stopping_server_drops_is_cancelled(pool: Pool, call: Call) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(WAIT)

    async def main() -> None:
        busy = asyncio.ensure_future(call(work))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        queued = asyncio.ensure_future(call(lambda: None))
        await asyncio.sleep(0)
        pool.shutdown(cancel_futures=True)
        with pytest.raises(asyncio.CancelledError):
            await queued
        go_on.set()
        await busy

    run(pool, main)


def test_outside_a_handler_asgiref_chooses_the_thread() -> None:
    threads: list[int] = []

    async def main() -> None:
        await call_in_thread(lambda: threads.append(threading.get_ident()))

    async_to_sync(main)()
    assert threads == [threading.get_ident()]
