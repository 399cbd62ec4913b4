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
class State:
    """The steps taken, the last label, and the ``max`` of this job, where it has its own."""

    count: int = 0
    label: str | None = None
    max: int | None = None


class Steps(Protocol):
    """The state of one bar. Its owner has a lock; other processes may change it meanwhile."""

    def read(self) -> State:
        """Return the state as it is now."""

    def write(self, state: State) -> None:
        """Replace the state."""

    def step(self, state: State, label: str | None, *, counts: bool) -> State:
        """Advance the state that was read, if the step counts; return the new state."""

    def acquire(self) -> bool:
        """Mark the job as running; return False if it runs already."""

    def release(self) -> None:
        """Mark the job as ended."""


class InMemory:
    """Steps in this process, which end with it."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._state = State()
        self._running = False
        self._last = 0.0

    def read(self) -> State:
        return self._state

    def write(self, state: State) -> None:
        self._state = state

    def step(self, state: State, label: str | None, *, counts: bool) -> State:
        self._last = time.monotonic()
        self._state = replace(state, count=state.count + counts, label=label)
        return self._state

    def acquire(self) -> bool:
        now = time.monotonic()
        if self._running and (self._timeout is None or now - self._last < self._timeout):
            return False
        self._running, self._last = True, now
        return True

    def release(self) -> None:
        self._running = False


class InCache:
    """Steps in a cache, for all processes that use it. They are forgotten after ``timeout``.

    The count is a key of its own for ``incr``, and so is the mark of a running job for ``add``.
    Both are atomic on Redis, Memcached and in memory.
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
    def read(self) -> State:
        found = self._cache.get_many([self._count, self._state])
        label, maximum = found.get(self._state, (None, None))
        return State(found.get(self._count, 0), label, maximum)

    @async_unsafe(ON_A_LOOP)
    def write(self, state: State) -> None:
        values = {self._count: state.count, self._state: (state.label, state.max)}
        self._cache.set_many(values, self._timeout)

    @async_unsafe(ON_A_LOOP)
    def step(self, state: State, label: str | None, *, counts: bool) -> State:
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
                f"The cache {self._alias!r} keeps nothing, so a keyed progress bar cannot count in "
                "it. Name another cache: ProgressBar(path, cache=…)."
            ) from None

    @async_unsafe(ON_A_LOOP)
    def acquire(self) -> bool:
        return self._cache.add(self._running, True, self._timeout)

    @async_unsafe(ON_A_LOOP)
    def release(self) -> None:
        self._cache.delete(self._running)
