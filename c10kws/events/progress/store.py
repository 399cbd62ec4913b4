"""The state of a progress bar, in memory or in Django's cache."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

from django.core.cache import BaseCache, caches
from django.utils.asyncio import async_unsafe

ON_A_LOOP = (
    "A keyed progress bar uses the cache, which would block the event loop. Call it in a sync "
    "callback, in a thread or by sync_to_async()."
)


@dataclass(frozen=True, slots=True)
class ProgressState:
    """The number of steps taken, the last label, and the ``max`` of this job if it has its own."""

    count: int = 0
    label: str | None = None
    max: int | None = None


class ProgressStore(Protocol):
    """Storage for the state of one bar. Other processes may change the state at any time."""

    def read(self) -> ProgressState:
        """Return the current state."""

    def write(self, state: ProgressState) -> None:
        """Replace the state."""

    def step(self, state: ProgressState, label: str | None, *, counts: bool) -> ProgressState:
        """Set the label of a state that was read, add a step if ``counts``; return the result."""

    def acquire(self) -> bool:
        """Mark the job as running; return False if it is running."""

    def release(self) -> None:
        """Mark the job as ended."""


class MemoryStore:
    """State in the memory of this process."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._state = ProgressState()
        self._running = False
        self._last_step = 0.0

    def read(self) -> ProgressState:
        return self._state

    def write(self, state: ProgressState) -> None:
        self._state = state

    def step(self, state: ProgressState, label: str | None, *, counts: bool) -> ProgressState:
        self._last_step = time.monotonic()
        self._state = replace(state, count=state.count + counts, label=label)
        return self._state

    def acquire(self) -> bool:
        now = time.monotonic()
        if self._running and (self._timeout is None or now - self._last_step < self._timeout):
            return False
        self._running, self._last_step = True, now
        return True

    def release(self) -> None:
        self._running = False


class CacheStore:
    """State in a cache, for all processes that use it; deleted after ``timeout`` seconds.

    The count is a separate key for ``incr``, and the mark of a running job one for ``add``. Both
    operations are atomic on Redis, Memcached and in memory.
    """

    def __init__(self, alias: str, name: str, timeout: float | None) -> None:
        key = f"c10kws.progress.{sha256(name.encode()).hexdigest()}"
        self._count, self._state, self._running = (f"{key}.{part}" for part in ("n", "s", "r"))
        self._alias = alias
        self._timeout = timeout

    @property
    def _cache(self) -> BaseCache:
        return caches[self._alias]

    @async_unsafe(ON_A_LOOP)
    def read(self) -> ProgressState:
        found = self._cache.get_many([self._count, self._state])
        label, maximum = found.get(self._state, (None, None))
        return ProgressState(found.get(self._count, 0), label, maximum)

    @async_unsafe(ON_A_LOOP)
    def write(self, state: ProgressState) -> None:
        values = {self._count: state.count, self._state: (state.label, state.max)}
        self._cache.set_many(values, self._timeout)

    @async_unsafe(ON_A_LOOP)
    def step(self, state: ProgressState, label: str | None, *, counts: bool) -> ProgressState:
        count = self._increment() if counts else state.count
        new = replace(state, count=count, label=label)
        self._cache.set(self._state, (new.label, new.max), self._timeout)
        for key in (self._count, self._running):
            self._cache.touch(key, self._timeout)
        return new

    def _increment(self) -> int:
        self._cache.add(self._count, 0, self._timeout)
        try:
            return self._cache.incr(self._count)
        except ValueError:
            raise RuntimeError(
                f"The cache {self._alias!r} does not store values, so a keyed progress bar cannot "
                "count in it. Choose another cache: ProgressBar(path, cache=…)."
            ) from None

    @async_unsafe(ON_A_LOOP)
    def acquire(self) -> bool:
        return self._cache.add(self._running, True, self._timeout)

    @async_unsafe(ON_A_LOOP)
    def release(self) -> None:
        self._cache.delete(self._running)
