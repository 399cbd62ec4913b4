"""``asyncio.run()`` that ends in bounded time.

asyncio's own waits without a limit for tasks that ignore their cancellation, for asynchronous
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
#: Threads of ``asyncio.to_thread()``, as many as asyncio starts on a machine with 28 cores.
DEFAULT_THREADS = 32
#: Its queued jobs; asyncio has no limit.
DEFAULT_QUEUE = 65_536


class DefaultExecutor(ThreadPoolExecutor):
    """The loop's default executor, with daemon threads, which do not delay the exit.

    asyncio requires a ThreadPoolExecutor; this one starts no threads of its base class.
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


class ProcessExit(SystemExit):
    """Raised by a signal handler to end the process; :func:`run` raises it again."""


def run(
    main: Coroutine[Any, Any, None],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    *,
    own_signals: bool = False,
) -> set[asyncio.Task[Any]]:
    """Run a coroutine on a new loop and cancel the tasks that it leaves.

    Returns the tasks that did not end. Keep a reference to them: a task that is collected receives
    GeneratorExit, which it may ignore too. With ``own_signals``, ``main`` handles Ctrl-C itself,
    and SystemExit or KeyboardInterrupt in another task ends only that task.
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

    asyncio stops the loop when a task or callback raises one of these. Here only the task ends,
    because an application that calls ``sys.exit()`` must not end the server.
    """
    task = loop.create_task(main)
    while not task.done():
        try:
            loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            # Without our own handler of signals, Ctrl-C is a KeyboardInterrupt.
            own_handler = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
            if task.done() or not own_handler or isinstance(error, ProcessExit):
                raise
            logger.exception("A task on the event loop raised %r; the server continues.", error)


async def end_tasks() -> set[asyncio.Task[Any]]:
    """Cancel all other tasks of the loop and close its asynchronous generators.

    Returns the tasks that did not end in time; asyncio no longer knows them.
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
