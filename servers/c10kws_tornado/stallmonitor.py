"""Warnings when all threads are busy or the event loop is blocked.

A thread checks once a second. It writes the log lines itself, since the loop or the pool may hang.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from .diagnostics import join, name_jobs_of, name_task, place_of
from .limits import check_positive
from .pool import Pool
from .safelogger import get_logger

logger = get_logger("c10kws_tornado")

#: Seconds between two checks.
PERIOD = 1.0
#: Seconds between two warnings of one kind.
INTERVAL = 60.0


class Alarm:
    """A state that is logged when it has lasted ``after`` seconds, and when it ends."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._since: float | None = None
        self._warned = False
        self._last = float("-inf")

    def update(
        self,
        since: float | None,
        warn: Callable[[float], None],
        over: Callable[[float], None],
    ) -> None:
        """Set the time at which the state began; None when it has ended."""
        now = time.monotonic()
        if self._since is not None and since != self._since:
            if self._warned:
                over(now - self._since)
            self._warned = False
        self._since = since
        if since is not None and now - since >= self._after and now - self._last >= INTERVAL:
            self._last, self._warned = now, True
            warn(now - since)


class LoopMonitor:
    """Check that expects an answer from the loop, and logs the code that blocks it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, after: float) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._after = after
        self._alarm = Alarm(after)
        self._asked: float | None = None
        self._delay = 0.0

    @property
    def lag(self) -> float:
        """Seconds after which the loop last answered; more if it has not answered for longer."""
        asked = self._asked
        return max(self._delay, 0.0 if asked is None else time.monotonic() - asked)

    def problem(self) -> str | None:
        """Return what is wrong with the loop now, or None."""
        seconds = self.lag
        if seconds < self._after:
            return None
        return f"The event loop responded after {seconds:.1f} s."

    def check(self) -> None:
        """Check once. Raises RuntimeError when the loop is closed."""
        self._alarm.update(self._asked, self._warn, self._end)
        if self._asked is None:
            self._asked = time.monotonic()
            self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        assert self._asked is not None
        self._delay = time.monotonic() - self._asked
        self._asked = None

    def _warn(self, seconds: float) -> None:
        task: asyncio.Task[Any] | None = asyncio.current_task(self._loop)
        logger.warning(
            "The event loop has been blocked for %.1f s by %s%s. All other clients wait. Run "
            "blocking code in a thread: sync_to_async() or asyncio.to_thread().",
            seconds,
            "a callback" if task is None else f"the task {name_task(task)}",
            place_of(self._thread),
        )

    def _end(self, seconds: float) -> None:
        logger.warning("The event loop runs again after %.1f s.", seconds)


class PoolMonitor:
    """Check that logs the jobs which keep all threads of a pool busy."""

    def __init__(self, pool: Pool, after: float) -> None:
        self._pool = pool
        self._after = after
        self._alarm = Alarm(after)
        self._since: float | None = None

    def problem(self) -> str | None:
        """Return what is wrong with the pool now, or None."""
        since, pool = self._since, self._pool
        if since is None or pool.busy < pool.size:
            return None
        seconds = time.monotonic() - since
        if seconds < self._after:
            return None
        return (
            f"All {pool.size} threads of the pool {pool.name!r} have been busy for {seconds:.1f} s."
        )

    def check(self) -> None:
        """Check once."""
        if self._pool.busy < self._pool.size:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        self._alarm.update(self._since, self._warn, self._end)

    def _warn(self, seconds: float) -> None:
        logger.warning(
            "All %d threads of the pool %r have been busy for %.1f s. %d jobs are queued. "
            "Running: %s.",
            self._pool.size,
            self._pool.name,
            seconds,
            self._pool.queued,
            join(name_jobs_of(self._pool)),
        )

    def _end(self, seconds: float) -> None:
        logger.warning(
            "A thread of the pool %r is free again after %.1f s.", self._pool.name, seconds
        )


def problem_of_queue(pool: Pool) -> str | None:
    """Return that the queue of a pool is full, or None."""
    if pool.queued < pool.queue_size:
        return None
    return f"The queue of the pool {pool.name!r} is full: {pool.queued} jobs."


class StallMonitor:
    """A thread that checks the loop and the pools of one server; None disables a check."""

    def __init__(
        self, pool: Pool, *, busy_after: float | None, blocked_after: float | None
    ) -> None:
        for name, seconds in (
            ("busy_threads_warning", busy_after),
            ("blocked_loop_warning", blocked_after),
        ):
            if seconds is not None:
                check_positive(name, seconds, whole=False)
        self._pool = pool
        self._busy_after = busy_after
        self._blocked_after = blocked_after
        self._loop: LoopMonitor | None = None
        self._pools: dict[Pool, PoolMonitor] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the thread; call it on the loop to be checked."""
        if self._blocked_after is not None:
            self._loop = LoopMonitor(asyncio.get_running_loop(), self._blocked_after)
        if self._blocked_after is not None or self._busy_after is not None:
            threading.Thread(target=self._run, name="c10kws-stall-monitor", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    @property
    def loop_lag(self) -> float | None:
        """Seconds after which the loop last answered the check; None without it."""
        return None if self._loop is None else self._loop.lag

    def problems(self) -> dict[str, str]:
        """Return the problems that exist now, by name; may be called from any thread."""
        threads = [monitor.problem() for monitor in list(self._pools.values())]
        threads += [problem_of_queue(pool) for pool in (self._pool, *self._pool.siblings)]
        loop = None if self._loop is None else self._loop.problem()
        found = {"threads": next(filter(None, threads), None), "loop": loop}
        return {name: text for name, text in found.items() if text}

    def _run(self) -> None:
        while not self._stopped.wait(PERIOD):
            try:
                self._check()
            except RuntimeError:  # the loop was closed without stopping the server
                return

    def _check(self) -> None:
        if self._loop is not None:
            self._loop.check()
        if self._busy_after is not None:
            for pool in (self._pool, *self._pool.siblings):
                if pool not in self._pools:
                    self._pools[pool] = PoolMonitor(pool, self._busy_after)
                self._pools[pool].check()
