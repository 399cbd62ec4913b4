"""A response that is finished later, by the view or by something else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path

from ..exceptions import ClientDisconnected
from ..handlers.kept_request import break_cycles
from ..handlers.server_state import ServerState
from ..handlers.servers import servers
from ..handlers.threads import HandlerThreads
from ..hijack import Contract
from .error_responses import exception_response, status_page
from .guards import call_and_log
from .response_state import ResponseState
from .streamed_body import StreamedBody
from .timeout import ResponseTimeout
from .wsgi_response import to_wsgi

logger = logging.getLogger("c10kws")


class Background(Protocol):
    """The coroutine of a view, which runs while the client waits."""

    def start(self, loop: asyncio.AbstractEventLoop, threads: HandlerThreads) -> asyncio.Task[None]:
        """Start its task."""


#: Held only while a state changes; one lock for all responses saves memory.
_lock = threading.Lock()


class PendingResponse:
    """Awaited by the server for ``(status, headers, body)``. Other methods are for any thread."""

    __slots__ = (
        "_body",
        "_callbacks",
        "_contract",
        "_future",
        "_request",
        "_response",
        "_seconds",
        "_server",
        "_state",
        "_task",
        "_timeout",
        "background",
    )

    def __init__(self, request: HttpRequest, contract: Contract, timeout: float | None) -> None:
        self.background: Background | None = None
        self._request = request
        self._contract = contract
        self._seconds = timeout
        self._state = ResponseState.OPEN
        self._response: HttpResponseBase | None = None
        self._body: StreamedBody | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._future: asyncio.Future[Any] = contract.loop.create_future()
        # Set when the server begins to await the response:
        self._server: ServerState | None = None
        self._task: asyncio.Task[None] | None = None
        self._timeout: ResponseTimeout | None = None

    # State

    @property
    def path(self) -> str:
        """The path of the request, escaped for log lines."""
        return escape_uri_path(self._request.path)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the server."""
        return self._contract.loop

    @property
    def settled(self) -> bool:
        """True when the response is finished or over."""
        return self._state is not ResponseState.OPEN

    @property
    def closed(self) -> bool:
        """True when further data of the view cannot be sent."""
        return self._state is ResponseState.OVER or self._future.cancelled()

    @property
    def begun(self) -> bool:
        """True when the head was sent and the body follows in parts."""
        return self._body is not None

    @property
    def body(self) -> StreamedBody | None:
        """The body of a response that has begun."""
        return self._body

    @property
    def complete_response(self) -> HttpResponseBase | None:
        """The response if it is complete; None if it is pending or sent in parts."""
        return None if self.begun else self._response

    @property
    def response(self) -> HttpResponseBase | None:
        """The response, or the head of one that is sent in parts."""
        return self._response

    # Calls of the view

    def finish(self, response: HttpResponseBase | None = None) -> None:
        """Send a response, or end the one that has begun. Raises RuntimeError the second time."""
        if not self._settle(ResponseState.FINISHED):
            self.check_unfinished("finish")
            ignored = "%s: finish() had no effect: the response is over."
            self._run_in_background(logger.info, ignored, self.path)
        elif self._body is not None:
            self._body.end()
            self._call_soon(self._release)
        else:
            self._resolve(response)

    def check_unfinished(self, method: str) -> None:
        """Raise RuntimeError after ``finish()``."""
        if self._state is ResponseState.FINISHED:
            raise RuntimeError(f"{method}() was called after finish().")

    def begin(self, head: HttpResponseBase, body: StreamedBody) -> StreamedBody:
        """Send the head, the first time. Return the body that follows it."""
        with _lock:
            first = self._state is ResponseState.OPEN and self._body is None
            if first:
                self._body = body
        if first:
            self._resolve(head)
        elif self._body is None:
            body.abort(ClientDisconnected("the response is over"))
        return self._body or body

    def restart_timeout(self) -> None:
        """Restart the timeout, since data is sent."""
        timeout = self._timeout  # the loop's thread may remove it now
        if timeout is not None:
            timeout.restart()

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call back, in a thread of the pool, if the response ends before it is finished."""
        with _lock:
            over = self._state is ResponseState.OVER
            if not over:
                self._callbacks.append(callback)
        if over:
            self._run_in_background(callback)

    def fail(self, error: BaseException) -> None:
        """Report an exception and respond as Django does."""
        self._run_in_background(self._fail, error)

    def _fail(self, error: BaseException) -> None:
        self.give_up(exception_response(self._request, error))

    # Other ends

    def give_up(self, response: HttpResponseBase) -> None:
        """Send a response in place of the view's.

        A response that has begun is cut instead, so that it does not look complete.
        """
        if self.begun:
            self.cut(ClientDisconnected(f"the response was cut: {response.reason_phrase}"))
        elif self._settle(ResponseState.OVER):
            self._resolve(response)

    def cut(self, error: ClientDisconnected) -> None:
        """End a response that has begun before its end; the server logs the error."""
        if self._body is not None and self._settle(ResponseState.OVER):
            self._body.abort(error)
            self._call_soon(self._release)

    def stop(self, code: int, retry_after: float) -> None:
        """Respond with 503 since the server stops; what has begun may go on until its deadline."""
        if not self.begun:
            self.give_up(status_page(503, retry_after=retry_after))

    def abort(self) -> None:
        """Cut what has begun, since the deadline of the server's stop has passed."""
        self.cut(ClientDisconnected("the response was cut: the server stopped"))

    def close(self) -> None:
        """End the response: the server has finished with it, or the view raised."""
        self._settle(ResponseState.OVER)
        self.background = None
        break_cycles(self._request)
        with _lock:
            callbacks, self._callbacks = self._callbacks, []
        if self._body is not None:
            self._body.abort(ClientDisconnected("the client has disconnected"))
        if self._state is ResponseState.OVER:
            self._call_soon(self._release)
            for callback in callbacks:
                call_and_log(callback)

    # On the loop

    def __await__(self) -> Generator[Any, None, Any]:
        """Begin to wait; called once, by the server."""
        self._server = servers.state_of(self._contract)
        if self._response is None and self._server.stopping:
            self.give_up(status_page(503))
        if self._response is not None:
            self._deliver()
        if not self.settled:
            self._wait(self._server)
        return self._future.__await__()

    def _wait(self, server: ServerState) -> None:
        server.add(self)
        if self._seconds is not None:
            self._timeout = ResponseTimeout(self.loop, self._seconds, self._time_out)
        background, self.background = self.background, None  # it refers to this response
        if background is not None:
            self._task = background.start(self.loop, server.threads)
            server.add_task(self._task, self)

    def _time_out(self) -> None:
        self._run_in_background(
            logger.warning,
            "%s: no response after %g s; %s.",
            self.path,
            self._seconds,
            "cut the response" if self.begun else "sent 504",
        )
        self.give_up(status_page(504))

    def _deliver(self) -> None:
        if not self._future.done():
            try:
                self._future.set_result(to_wsgi(self._response, self._body))
            except BaseException as error:  # the server responds with 500 and logs it
                self._future.set_exception(error)
        if self.settled:
            self._release()

    def _release(self) -> None:
        """Release what waits for the response; cancel a coroutine that has not finished it."""
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
        if self._server is not None:
            self._server.discard(self)
        if self._state is ResponseState.OVER and self._task is not None:
            self._task.cancel()

    # Helpers

    def _settle(self, state: ResponseState) -> bool:
        """Change the state; return False if it was changed before."""
        with _lock:
            if self._state is not ResponseState.OPEN:
                return False
            self._state = state
            return True

    def _resolve(self, response: HttpResponseBase | None) -> None:
        self._response = response
        if self._server is not None:  # else __await__ delivers it
            self._call_soon(self._deliver)

    def _call_soon(self, function: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has stopped
            self.loop.call_soon_threadsafe(function)

    def _run_in_background(self, function: Callable[..., object], *args: Any) -> None:
        """Call what may block in the pool, or in the view's own thread."""
        if self._server is None:
            call_and_log(function, *args)
        else:
            self._server.threads.run_in_background(function, *args)
