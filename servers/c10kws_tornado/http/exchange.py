"""One WSGI call and its response, which is one of four kinds.

============================ ====================================================================
1 complete response          queued in the worker thread, sent on the loop
2 synchronous stream         iterated in the worker thread, with flow control; the thread does not
                             wait for the client once it has queued the end
3 asynchronous response      an async iterable, or an awaitable announced by ``c10kws.defer``:
                             iterated or awaited on the loop, closed in a worker thread
4 101 Switching Protocols    ``close()`` in the same worker thread; the stream changes its protocol
============================ ====================================================================

A ``wsgi.file_wrapper`` body is an asynchronous response, too: a thread reads each block, and none
waits in between.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from typing import IO, Any

from ..accesslog import AccessLine
from ..pool import run_urgent
from ..safelogger import get_logger
from .bodyiteration import is_async, is_whole
from .deferred import ClosedTogether, Defer
from .filewrapper import FileWrapper
from .protocol import HTTPProtocol
from .resources import Resources
from .responsehead import merge_heads
from .responsesender import ResponseSender
from .responsewriter import ConnectionLost
from .upgrade import Upgrade
from .wsgiresponse import WSGIResponse

logger = get_logger("c10kws_tornado.error")


class Exchange:
    """A request and its response. ``run`` is the job of a worker thread."""

    def __init__(
        self,
        resources: Resources,
        connection: HTTPProtocol,
        environ: dict[str, Any],
        body: IO[bytes],
        line: AccessLine,
        done: Callable[[], None],
    ) -> None:
        self._resources = resources
        self._connection = connection
        self._environ = environ
        self._request_body = body
        self._line = line
        self._done = done
        self._sender = ResponseSender(resources, connection)
        self._response = WSGIResponse(resources, environ, line, self._sender)
        self._defer = Defer()
        self._upgrade = Upgrade(resources, connection, line)
        self._result: Any = None
        #: True while a client that closes its half of the connection still gets its response.
        self.serves_half_closed = True
        self._task: asyncio.Task[None] | None = None
        self._ended_early = False
        self._add_contract()

    def _add_contract(self) -> None:
        environ, resources = self._environ, self._resources
        environ["c10kws.stream"] = self._upgrade.stream
        environ["c10kws.loop"] = resources.loop
        environ["c10kws.executor"] = resources.pool
        environ["c10kws.server"] = resources.state
        environ["c10kws.defer"] = self._defer
        environ["c10kws.on_stop"] = resources.on_stop
        environ["c10kws.problems"] = resources.problems

    @property
    def request_line(self) -> str:
        """The first line of the request, for the log."""
        return self._line.escaped

    @property
    def sent(self) -> int:
        """Bytes of the body that were sent."""
        return self._sender.sent

    # In a worker thread

    def run(self) -> None:
        """Call the application and send its response as its kind requires."""
        handed_over = False
        try:
            self._request_body.seek(0)
            start_response = self._response.start_response
            self._result = self._resources.application(self._environ, start_response)
            handed_over = self._send_response()
        except ConnectionLost:
            self._abort()
        except BaseException as error:  # SystemExit, too, ends only the request
            self._fail(error)
        finally:
            if not handed_over:
                self._close()
                self._finish()

    def _send_response(self) -> bool:
        """Return True if the loop sends the response, and closes it afterwards."""
        response, status = self._response, self._response.start_response.status
        if self._defer.awaitable is not None:
            return self._hand_over(self._send_deferred())
        if status is not None and status.startswith("101"):
            self._upgrade.begin(environ=self._environ, start_response=response.start_response)
        elif is_async(self._result) or isinstance(self._result, FileWrapper):
            return self._hand_over(response.send_chunks_async(response.begin(), self._result))
        elif is_whole(self._result):
            response.send_whole(self._result)
        else:
            response.send_chunks(self._result)
        return False

    def _hand_over(self, coroutine: Any) -> bool:
        context = contextvars.copy_context()  # the body may read what its view has set
        self._resources.mailbox.post(context.run, self._begin, coroutine)
        return True

    def _fail(self, error: BaseException) -> None:
        """Answer 500 for an exception of the application, or abort a response that has begun."""
        logger.error("%s: the application raised.", self._line.escaped, exc_info=error)
        if inspect.iscoroutine(self._defer.awaitable):
            self._defer.awaitable.close()  # it may not have started
        if self._response.head_queued or self._upgrade.stream.upgraded:
            self._abort()
            return
        try:
            self._response.send_error()
        except ConnectionLost:
            self._abort()

    def _abort(self) -> None:
        self._resources.mailbox.post(self._sender.abort)

    def _close(self) -> None:
        """PEP 3333: ``close()`` is called "regardless of whether the request completed"."""
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        except BaseException:  # the request must end whatever the application does
            logger.exception("%s: close() of the response raised.", self._line.escaped)

    def _finish(self) -> None:
        """Release what the request holds; the last step in the worker thread."""
        try:
            self._request_body.close()
            self._response.start_response.release()
            self._result = None  # it would stay in memory until the client has read the response
            if not self._sender.is_long:
                self._line.size = self.sent
                self._line.write()
        finally:  # even if a log handler raises
            if self._upgrade.head:
                self._resources.mailbox.post(self._switch)
            elif self._line.status == 101:  # after the callback that takes the stream over
                self._resources.loop.call_soon_threadsafe(self._end)
            else:
                self._resources.mailbox.post(self._end)

    # On the loop

    def _begin(self, sending: Any) -> None:
        self._task = task = self._resources.spawn(self._supervise(sending))
        if not isinstance(self._result, FileWrapper):
            self._expect_client()
        if self._sender.disconnected:
            self._resources.loop.call_soon(task.cancel)

    def _expect_client(self) -> None:
        """Treat a client that closes its half of the connection as disconnected.

        A body that may be silent for long has no other way to detect it. A view in a thread and a
        file have an end, so their response is sent.
        """
        self.serves_half_closed = False
        if self._connection.half_closed:
            self._sender.abort()

    async def _supervise(self, sending: Awaitable[None]) -> None:
        """Send an asynchronous response, then clean up in a thread that is never refused."""
        task = asyncio.current_task()
        try:
            await sending
        except ConnectionLost:
            self._sender.abort()
        except BaseException as error:  # sys.exit() in a body ends its response, not the server
            if isinstance(error, GeneratorExit) and not _is_running(task):
                raise  # this coroutine is being closed
            if task is not None and task.cancelling():  # disconnected, or the server stops
                self._sender.abort()
            else:
                await run_urgent(self._resources.pool, self._fail, error)
        finally:
            self._resources.pool.submit_urgent(self._clean_up)

    def _clean_up(self) -> None:
        self._close()
        self._finish()

    async def _send_deferred(self) -> None:
        assert self._defer.awaitable is not None
        # The environ keeps the Defer, which must not keep the awaitable.
        awaitable, self._defer.awaitable = self._defer.awaitable, None
        status, headers, body = await awaitable
        start_response = self._response.start_response
        start_response.status = status
        start_response.headers = merge_heads(start_response.headers, headers)
        self._result = ClosedTogether(body, self._result)
        begun = await run_urgent(self._resources.pool, self._response.begin)
        if is_whole(body):
            await self._response.send_whole_async(begun, body)
        else:
            await self._response.send_chunks_async(begun, body)

    def client_disconnected(self) -> None:
        """Cancel the code on the loop that waits for a disconnected client."""
        self._sender.connection_lost()
        self._upgrade.stream.connection_lost()
        if self._task is not None:
            # In the next turn: a task that is cancelled before its first step does not clean up.
            self._resources.loop.call_soon(self._task.cancel)

    @property
    def endless(self) -> bool:
        """True for an async body that may have no end, until ``end_early``."""
        return self._response.endless and self._task is not None and not self._ended_early

    def end_early(self) -> None:
        """Cancel an async body that may have no end, because the server stops."""
        if self.endless and self._task is not None:
            self._ended_early = True
            self._task.cancel()

    def _end(self) -> None:
        """Handle the end of the application's part; data may still be unsent."""
        if self._line.status == 101:
            # Code that takes the stream over has scheduled it on the loop by now.
            self._upgrade.end()
            self._done()
        else:
            self._sender.when_ended(self._ended)

    def _switch(self) -> None:
        """Send the 101, start the application's code, and end the request."""
        try:
            self._upgrade.switch()
        finally:  # even if the application's code raises
            self._end()

    def _ended(self) -> None:
        """Finish the request: the last byte was sent, or the client has disconnected."""
        if self._sender.is_long:  # doing so for all responses would wake the log's thread for each
            self._line.size = self.sent
            self._resources.log.write_later(self._line)
        if self._sender.slow is not None:
            self._resources.slow_clients += 1
            self._resources.log.later(self._log_slow_client)
        self._done()

    def _log_slow_client(self) -> None:
        logger.info("%s: closed a slow client: %s", self.request_line, self._sender.slow)


def _is_running(task: asyncio.Task[None] | None) -> bool:
    try:
        return asyncio.current_task() is task
    except RuntimeError:  # no loop runs
        return False
