"""A response that is finished later: who may do so, when, and what else may end it.

===== =============================================================================================
OPEN  the client waits, or gets what is flushed
DONE  ``finish()`` was called; a second call is an error
OVER  something else ended it: the client left, the timeout, the server's stop, an exception. What
      the view still does about it has no effect
===== =============================================================================================
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..exceptions import ClientDisconnected
from ..handlers.server_state import ServerState
from ..handlers.servers import servers
from ..hijack import Contract
from .callbacks import call
from .chunks import Chunks
from .errors import error_page, error_response
from .final import as_wsgi

if TYPE_CHECKING:
    from .coroutine import Coroutine

logger = logging.getLogger("c10kws")


class State(enum.Enum):
    """See above."""

    OPEN = enum.auto()
    DONE = enum.auto()
    OVER = enum.auto()


#: For the moment in which a state changes; one for all.
_lock = threading.Lock()


class Pending:
    """Awaited by the server: ``(status, headers, body)``. Its methods are for any thread."""

    __slots__ = (
        "_callbacks",
        "_chunks",
        "_contract",
        "_future",
        "_request",
        "_response",
        "_server",
        "_state",
        "_task",
        "_timeout",
        "_timer",
        "_touched",
        "background",
    )

    def __init__(self, request: HttpRequest, contract: Contract, timeout: float | None) -> None:
        self.background: Coroutine | None = None
        self._request = request
        self._contract = contract
        self._timeout = timeout
        self._state = State.OPEN
        self._response: HttpResponseBase | None = None
        self._chunks: Chunks | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._future: asyncio.Future[Any] = contract.loop.create_future()
        # From the start on, when the server awaits it:
        self._server: ServerState | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._touched = 0.0

    # What it is

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The server's loop."""
        return self._contract.loop

    @property
    def settled(self) -> bool:
        """True when it is finished or over."""
        return self._state is not State.OPEN

    @property
    def closed(self) -> bool:
        """True when no client can receive further data of the view."""
        return self._state is State.OVER or self._future.cancelled()

    @property
    def begun(self) -> bool:
        """True when the head was sent and the body follows."""
        return self._chunks is not None

    @property
    def chunks(self) -> Chunks | None:
        """The body of what has begun."""
        return self._chunks

    @property
    def known(self) -> HttpResponseBase | None:
        """The whole response, if it is there."""
        return None if self.begun else self._response

    @property
    def response(self) -> HttpResponseBase | None:
        """The response, or the head of one."""
        return self._response

    # What the view does

    def finish(self, response: HttpResponseBase | None = None) -> None:
        """Answer with this, or end what has begun. RuntimeError the second time."""
        if not self._settle(State.DONE):
            self.check_unfinished("finish")
            path = self._request.path
            self._report(logger.info, "%s: finish() had no effect, the response is over", path)
        elif self._chunks is not None:
            self._chunks.end()
            self._call_soon(self._release)
        else:
            self._resolve(response)

    def check_unfinished(self, method: str) -> None:
        """Raise RuntimeError after ``finish()``."""
        if self._state is State.DONE:
            raise RuntimeError(f"{method}() after finish(): the response is finished already")

    def begin(self, response: HttpResponseBase, chunks: Chunks) -> Chunks:
        """Send the head, once, and what comes in the chunks that it returns."""
        with _lock:
            first = self._state is State.OPEN and self._chunks is None
            if first:
                self._chunks = chunks
        if first:
            self._resolve(response)
        elif self._chunks is None:
            chunks.abort(ClientDisconnected("the response is over"))
        return self._chunks or chunks

    def touch(self) -> None:
        """Restart the timeout."""
        self._touched = time.monotonic()

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call back, in a thread of the pool, if it ends before it is finished; else never."""
        with _lock:
            over = self._state is State.OVER
            if not over:
                self._callbacks.append(callback)
        if over:
            self._report(callback)

    def fail(self, error: BaseException) -> None:
        """Log an exception and answer as Django does."""
        self._report(self._fail, error)

    def _fail(self, error: BaseException) -> None:
        self.give_up(error_response(self._request, error))

    # What ends it

    def give_up(self, response: HttpResponseBase) -> None:
        """Answer in the view's place. What has begun is cut: an end of it would be a lie."""
        if self.begun:
            self.cut(ClientDisconnected(f"the response was cut: {response.reason_phrase}"))
        elif self._settle(State.OVER):
            self._resolve(response)

    def cut(self, error: ClientDisconnected) -> None:
        """End what has begun in the middle; the server logs why."""
        if self._chunks is not None and self._settle(State.OVER):
            self._chunks.abort(error)
            self._call_soon(self._release)

    def stop(self, code: int) -> None:
        """Answer with 503 since the server stops; what has begun may go on until its deadline."""
        if not self.begun:
            self.give_up(error_page(503))

    def abort(self) -> None:
        """Cut what has begun: the deadline of the server's stop is over."""
        self.cut(ClientDisconnected("the response was cut: the server stopped"))

    def abandon(self) -> None:
        """The view raised, and Django answers; in the view's thread."""
        self.close()

    def close(self) -> None:
        """The server is done with it, in a thread of the pool."""
        self._settle(State.OVER)
        with _lock:
            callbacks, self._callbacks = self._callbacks, []
        if self._chunks is not None:
            self._chunks.abort(ClientDisconnected("the client has left"))
        if self._state is State.OVER:
            self._call_soon(self._release)
            for callback in callbacks:
                call(callback)

    # On the loop

    def __await__(self) -> Generator[Any, None, Any]:
        """Start to wait; once, by the server."""
        self._server = servers.state_of(self._contract)
        if self._response is None and self._server.stopping:
            self.give_up(error_page(503))
        if self._response is not None:
            self._deliver()
        if not self.settled:
            self._wait(self._server)
        return self._future.__await__()

    def _wait(self, server: ServerState) -> None:
        server.add(self)
        self.touch()
        self._set_timer(self._timeout)
        if self.background is not None:
            self._task = self.background.start(self.loop, server.threads)
            server.add_task(self._task, self)

    def _set_timer(self, seconds: float | None) -> None:
        if seconds is not None:
            self._timer = self.loop.call_later(
                seconds, self._look_at_clock, context=contextvars.Context()
            )

    def _look_at_clock(self) -> None:
        assert self._timeout is not None
        left = self._touched + self._timeout - time.monotonic()
        if left > 0:
            self._set_timer(left)
            return
        self._report(
            logger.warning,
            "%s: nothing came for %gs; %s",
            self._request.path,
            self._timeout,
            "cut" if self.begun else "answered with 504",
        )
        self.give_up(error_page(504))

    def _deliver(self) -> None:
        if not self._future.done():
            try:
                self._future.set_result(as_wsgi(self._response, self._chunks))
            except BaseException as error:  # the server answers with 500 and logs it
                self._future.set_exception(error)
        if self.settled:
            self._release()

    def _release(self) -> None:
        """Release everything that waits for it; cancel a coroutine that has not finished it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._server is not None:
            self._server.discard(self)
        if self._state is State.OVER and self._task is not None:
            self._task.cancel()

    # Helpers

    def _settle(self, state: State) -> bool:
        """Change the state, once."""
        with _lock:
            if self._state is not State.OPEN:
                return False
            self._state = state
            return True

    def _resolve(self, response: HttpResponseBase | None) -> None:
        self._response = response
        if self._server is not None:  # else it is delivered at the start
            self._call_soon(self._deliver)

    def _call_soon(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has stopped
            self.loop.call_soon_threadsafe(function)

    def _report(self, function: Callable[..., object], *args: Any) -> None:
        """Do what may block in the pool, or in the view's own thread."""
        if self._server is None:
            call(function, *args)
        else:
            self._server.threads.run_in_background(function, *args)
