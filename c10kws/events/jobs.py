"""A sync function in a thread, to its very end.

``sync_to_async`` of a cancelled task returns while its thread goes on; here what follows waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from asgiref.sync import sync_to_async

from ..interrupts import is_ctrl_c


class NoException(RuntimeError):
    """Raised for a callback's error that is no Exception: SystemExit, the panic of a binding."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"The callback raised {self.error!r}, which is not an Exception."


class Job:
    """A function that runs in a thread, once."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._function = function
        self._arguments = arguments
        self._end: Future[None] = Future()

    async def run(self) -> Any:
        """Call the function in a thread of the server and return what it returns."""
        return await sync_to_async(self._call, thread_sensitive=True)()

    async def give_up(self) -> None:
        """Do not begin any more; what has begun is awaited, whatever comes of it."""
        if not self._end.cancel():
            await asyncio.wrap_future(self._end)

    def _call(self) -> Any:
        if not self._end.set_running_or_notify_cancel():
            return None
        try:
            return self._function(*self._arguments)
        except StopIteration as error:  # a future cannot carry it
            raise RuntimeError(f"The callback raised {error!r}.") from error
        except BaseException as error:
            if isinstance(error, Exception) or is_ctrl_c(error):
                raise
            raise NoException(error) from error  # the loop would take it for its own
        finally:
            self._end.set_result(None)
