"""A bounded pool of daemon threads.

``concurrent.futures.ThreadPoolExecutor`` has no limit for its queue, and the process cannot exit
before its jobs have ended. This pool differs in both. It also wakes one thread at a time, the one
that became idle last: only one thread can run Python code, and each switch between them takes time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

from .pooljob import PoolJob, RunningJob
from .safelogger import get_logger

logger = get_logger("c10kws_tornado")

T = TypeVar("T")

#: Seconds without a job after which a thread is idle.
IDLE_AFTER = 1.0


class PoolFull(Exception):
    """Raised when the queue of a pool is full: the job was refused."""


class Pool(Executor):
    """Runs jobs in at most ``size`` threads, which start when they are needed.

    ``on_idle`` is called in a thread that has had no job for a second. When it returns False, it is
    called again after another second without a job. ``on_exit`` is called in a thread that ends.
    """

    def __init__(
        self,
        size: int,
        *,
        queue_size: int = 1024,
        name: str = "c10kws",
        on_idle: Callable[[], bool] | None = None,
        on_exit: Callable[[], object] | None = None,
    ) -> None:
        if size < 1:
            raise ValueError(f"A pool needs at least 1 thread, not {size}.")
        self.size = size
        self.queue_size = queue_size
        self.name = name
        self.busy = 0
        self.refused = 0
        self.jobs = 0
        self.waited = 0.0
        self._on_idle = on_idle
        self._on_exit = on_exit
        self._jobs: deque[PoolJob] = deque()
        self._urgent: deque[PoolJob] = deque()
        self._running: dict[int, PoolJob] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        #: A lock for each idle thread, which waits to acquire it. The last one is woken first.
        self._idle: list[threading.Lock] = []
        #: True when a thread was woken or started, and has not looked for a job yet.
        self._waking = False
        self._siblings: list[Pool] = []
        self._short_of_threads = False
        self._closed = False

    @property
    def queued(self) -> int:
        """The number of jobs that wait for a thread."""
        return len(self._jobs) + len(self._urgent)

    @property
    def at_work(self) -> bool:
        """True when a job of this pool or of a sibling is running or queued."""
        return any(pool.queued or pool.busy for pool in (self, *self._siblings))

    @property
    def siblings(self) -> Sequence[Pool]:
        """The pools that :meth:`sibling` returned."""
        return tuple(self._siblings)

    def running(self) -> list[RunningJob]:
        """Return the running jobs, the oldest first."""
        now = time.monotonic()
        with self._lock:
            jobs = sorted(self._running.items(), key=lambda item: item[1].started)
        return [RunningJob(job.fn, thread, now - job.started) for thread, job in jobs]

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` after the queued jobs. Raises :exc:`PoolFull` when the queue is full."""
        future: Future[T] = Future()
        self._add(PoolJob(fn, args, kwargs, future))
        return future

    def post(self, fn: Callable[..., object], /, *args: Any) -> None:
        """Run ``fn`` like ``submit``, without a future for its result."""
        self._add(PoolJob(fn, args, {}, None))

    def _add(self, job: PoolJob) -> None:
        with self._lock:
            if len(self._jobs) >= self.queue_size or self._closed:
                self.refused += 1
                state = "is shut down" if self._closed else f"has {self.queue_size} queued jobs"
                raise PoolFull(f"The pool {self.name!r} {state}.")
            self._jobs.append(job)
            try:
                self._wake()
            except RuntimeError as error:
                self._jobs.pop()
                self.refused += 1
                raise PoolFull(f"The pool {self.name!r} cannot start a thread: {error}") from error

    def submit_urgent(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` before all waiting jobs. It is never refused, so use it for clean-up only."""
        future: Future[T] = Future()
        with self._lock:
            self._urgent.append(PoolJob(fn, args, kwargs, future))
            with suppress(RuntimeError):  # no thread can start: the next one that can does it
                self._wake()
        return future

    def sibling(
        self,
        name: str,
        *,
        queue_size: int,
        on_idle: Callable[[], bool] | None = None,
        on_exit: Callable[[], object] | None = None,
    ) -> Pool:
        """Return another pool of this size, with its own threads; both are shut down together."""
        pool = Pool(self.size, queue_size=queue_size, name=name, on_idle=on_idle, on_exit=on_exit)
        self._siblings.append(pool)
        return pool

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """Refuse further jobs; the threads end after the queued ones.

        With ``wait``, return when all have ended.
        """
        with self._lock:
            self._closed = True
            if cancel_futures:
                while self._jobs:
                    self._jobs.popleft().cancel()
            while self._idle:
                self._idle.pop().release()
        for sibling in self._siblings:
            sibling.shutdown(cancel_futures=cancel_futures)
        if wait:
            for pool in (self, *self._siblings):
                for thread in pool._threads:
                    thread.join()

    def _wake(self) -> None:
        """Wake the thread that became idle last, or start one, unless one is waking up.

        That one wakes the next one if it finds more than one job.
        """
        if self._waking:
            return
        if self._idle:
            self._waking = True
            self._idle.pop().release()
        elif len(self._threads) < self.size:
            name = f"{self.name}-{len(self._threads) + 1}"
            self._start(threading.Thread(target=self._run, name=name, daemon=True))

    def _start(self, thread: threading.Thread) -> None:
        """Start one more thread; if the system refuses, the running threads do its jobs."""
        self._waking = True
        try:
            thread.start()
        except RuntimeError as error:
            self._waking = False
            if not self._short_of_threads:
                self._short_of_threads = True
                text = "The pool %r has only %d of %d threads: %s."
                logger.error(text, self.name, len(self._threads), self.size, error)
            if not self._threads:
                raise
        else:
            self._short_of_threads = False
            self._threads.append(thread)

    def _run(self) -> None:
        woken = threading.Lock()
        woken.acquire()
        self._waking = False
        while (job := self._next_job(woken)) is not None:
            job.run()
            del job  # an idle thread must not keep a request alive
            with self._lock:
                self.busy -= 1
                del self._running[threading.get_ident()]
        self._exit()

    def _next_job(self, woken: threading.Lock) -> PoolJob | None:
        """Wait for a job and return it; None when the pool is shut down and its queue empty."""
        asked = self._on_idle is None
        while True:
            with self._lock:
                if self.queued or self._closed:
                    return self._take()
                self._idle.append(woken)
            timeout = -1 if asked else IDLE_AFTER
            if woken.acquire(timeout=timeout) or not self._withdraw(woken):
                self._waking = False
            else:
                asked = self._ask_idle()

    def _withdraw(self, woken: threading.Lock) -> bool:
        """Stop waiting. Returns False if the thread was woken in this moment."""
        with self._lock:
            if woken in self._idle:
                self._idle.remove(woken)
                return True
        return not woken.acquire()

    def _ask_idle(self) -> bool:
        try:
            return self._on_idle is None or self._on_idle()
        except BaseException:  # the thread has other jobs
            logger.exception("on_idle of the pool %r raised.", self.name)
            return True

    def _exit(self) -> None:
        try:
            if self._on_exit is not None:
                self._on_exit()
        except BaseException:  # the thread ends in any case
            logger.exception("on_exit of the pool %r raised.", self.name)

    def _take(self) -> PoolJob | None:
        if not self.queued:
            return None
        self.busy += 1
        job = self._urgent.popleft() if self._urgent else self._jobs.popleft()
        job.started = time.monotonic()
        self.jobs += 1
        self.waited += job.started - job.queued
        self._running[threading.get_ident()] = job
        if self.queued:
            self._wake()
        return job


async def run_urgent(pool: Pool, fn: Callable[..., Any], *args: Any) -> Any:
    """Run a function before all queued jobs and return its result.

    A cancelled caller still waits for the function to end.
    """
    job = asyncio.wrap_future(pool.submit_urgent(fn, *args))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])  # close() of the body must not run at the same time
        raise
