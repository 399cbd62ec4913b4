"""The jobs of a pool of threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from .safelogger import get_logger

logger = get_logger("c10kws_tornado")


class PoolJob:
    """A queued or running call, with the future of its result or without one."""

    __slots__ = ("args", "fn", "future", "kwargs", "queued", "started")

    def __init__(
        self, fn: Callable[..., Any], args: Any, kwargs: Any, future: Future[Any] | None
    ) -> None:
        self.future = future
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.queued = time.monotonic()
        self.started = 0.0

    def cancel(self) -> None:
        """Cancel the future."""
        if self.future is not None:
            self.future.cancel()

    def run(self) -> None:
        """Call the function. No exception leaves: it is the future's, or is logged."""
        if self.future is None:
            try:
                self.fn(*self.args, **self.kwargs)
            except BaseException:  # no future carries it
                logger.exception("A job raised: %r", self.fn)
            return
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.fn(*self.args, **self.kwargs)
        except StopIteration as error:  # asyncio's future cannot carry it and would never be done
            translated = RuntimeError(f"A function in a thread raised {error!r}.")
            translated.__cause__ = error  # as in a coroutine (PEP 479)
            self.future.set_exception(translated)
        except BaseException as error:  # for the task that awaits the future
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A running job: its function, its thread's identifier, and the seconds since its start."""

    fn: Callable[..., Any]
    thread: int
    seconds: float
