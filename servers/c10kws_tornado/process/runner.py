"""``asyncio.run()`` that ends in bounded time.

asyncio's own waits without a limit: for tasks that ignore their cancellation, for asynchronous
generators that do not end, and for the threads of the loop's default executor.
"""

from __future__ import annotations

import asyncio
import signal
from asyncio.tasks import _unregister_task
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ..pool import Pool
from ..safelogger import get_logger

logger = get_logger("c10kws_tornado")

T = TypeVar("T")

#: Seconds that a cancelled task has for its ``finally`` blocks.
CANCEL_TIMEOUT = 1.0
#: Threads of ``asyncio.to_thread()``; as many as asyncio has on a machine with 28 cores.
DEFAULT_THREADS = 32
#: Its jobs that may wait; asyncio has no limit.
DEFAULT_QUEUE = 65_536


class DefaultExecutor(ThreadPoolExecutor):
    """The loop's default executor, in daemon threads: they do not hold the exit of the process.

    asyncio requires a ThreadPoolExecutor; this one starts no threads of its own.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=DEFAULT_THREADS)
        self._pool = Pool(DEFAULT_THREADS, queue_size=DEFAULT_QUEUE, name="asyncio")

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` in a thread of the pool."""
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further jobs. Does not wait for running ones."""
        self._pool.shutdown(cancel_futures=cancel_futures)


def run(
    main: Coroutine[Any, Any, None],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    *,
    own_signals: bool = False,
) -> set[asyncio.Task[Any]]:
    """Run a coroutine on a loop of its own; cancel the tasks that it leaves.

    Returns the tasks that did not end. Keep them: a task that is collected gets GeneratorExit,
    which it may ignore too.

    With ``own_signals``, ``main`` handles Ctrl-C itself, and the SystemExit or KeyboardInterrupt of
    another task ends only that task.
    """
    left: set[asyncio.Task[Any]] = set()

    async def run_main() -> None:
        try:
            await main
        finally:
            left.update(await end_tasks())

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.get_loop().set_default_executor(DefaultExecutor())
        if own_signals:
            _run_on(runner.get_loop(), run_main())
        else:
            runner.run(run_main())
    return left


def _run_on(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> None:
    """Run ``main`` to its end, even if other tasks raise SystemExit or KeyboardInterrupt.

    asyncio ends the loop when a task or callback raises SystemExit or KeyboardInterrupt. Here that
    ends the task: a task of the application that calls ``sys.exit()`` must not end the server.
    """
    task = loop.create_task(main)
    while not task.done():
        try:
            loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            # Before and after our own handler of signals Ctrl-C is a KeyboardInterrupt.
            own_handler = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
            if task.done() or not own_handler:
                raise
            logger.exception("A task on the event loop raised %r; the server goes on.", error)


async def end_tasks() -> set[asyncio.Task[Any]]:
    """Cancel all other tasks of the loop and close its asynchronous generators.

    Returns the tasks that did not end in time; the loop forgets them.
    """
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    for _ in range(2):  # a task may start others while it ends
        tasks = asyncio.all_tasks() - {current}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_TIMEOUT)
    await asyncio.wait([loop.create_task(loop.shutdown_asyncgens())], timeout=CANCEL_TIMEOUT)
    left = {task for task in asyncio.all_tasks() if task is not current}
    for task in left:
        _unregister_task(task)
    return left
