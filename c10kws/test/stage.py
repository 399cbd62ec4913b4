"""The event loop and the pool of a test. Both run in its thread, and only while it waits.

A job of the pool runs between two turns of the loop, because Django's ORM refuses to work under a
running loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from ..hijack import StopCallback
from ..protocol.closing import CloseCode
from . import results
from .commits import at_the_end_of_blocks, run_committed
from .stop import ImmediateStop

T = TypeVar("T")


class Stage(Executor):
    """The server of the contract (``docs/reference/hijack.rst``): its loop, executor and stop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.get_ident()
        #: The dictionary in which the library keeps its state of a server.
        self.server: dict[str, Any] = {}
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = asyncio.Event()
        self._callbacks: list[StopCallback] = []
        results.add(self)

    # The executor

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Queue a job; it runs when the test waits."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        self._jobs.append(job)
        self.change()
        return future

    def sibling(self, name: str, *, queue_size: int, on_idle: object, on_exit: object) -> Stage:
        """Return this stage: a test has one thread, whose database connections stay open."""
        return self

    def on_stop(self, callback: StopCallback) -> None:
        """Remember a callback that ends the connections which are left."""
        self._callbacks.append(callback)

    # Time

    def change(self) -> None:
        """End the current wait: a condition may be true now."""
        self._changed.set()

    def run_until(self, condition: Callable[[], object], timeout: float) -> bool:
        """Run jobs and the loop until the condition holds; return False after ``timeout``."""
        with at_the_end_of_blocks():
            return self._run_until(condition, time.monotonic() + timeout)

    def _run_until(self, condition: Callable[[], object], end: float) -> bool:
        while True:
            self._changed.clear()  # first, so that a later change ends the turn
            run_committed()
            if self._jobs:
                self._jobs.popleft()()
                continue
            if condition():
                return True
            if time.monotonic() > end:
                return False
            self.loop.run_until_complete(self._turn(end - time.monotonic()))

    async def _turn(self, timeout: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), max(timeout, 0))
        except TimeoutError:
            return

    def close(self, timeout: float) -> None:
        """Stop the connections that are left, and close the loop."""
        stop = ImmediateStop(CloseCode.GOING_AWAY, self.loop.time() + timeout)
        ends = [callback(stop) for callback in self._callbacks]
        stopping = [self.loop.create_task(_wait(end)) for end in ends if end is not None]
        for task in stopping:
            task.add_done_callback(lambda _: self.change())
        self.run_until(lambda: all(task.done() for task in stopping), timeout + 1)
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.give_up()

    def give_up(self) -> None:
        """Close the loop, with connections that may be open."""
        results.remove(self)
        self.loop.close()


async def _wait(awaitable: Any) -> None:
    await awaitable
