"""HTTP/1.1 as an asyncio protocol: one connection, from its acceptance to its end or an upgrade.

It passes requests to receivers, one after another, and works on any transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, cast

from ..limits import HEAD_ROOM
from ..raw.protocols import replay, replay_end
from ..safelogger import get_logger
from .interfaces import ConnectionHost, Receiver
from .output import Output
from .peer import Peer
from .requesthead import RequestHead
from .requestparser import END, RequestParser, status_of
from .settling import FAILURES, settle

logger = get_logger("c10kws_tornado.error")

#: Received bytes that may wait for the end of a request, or for a slow receiver of its body.
MAX_WAITING = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HTTPProtocol(asyncio.BufferedProtocol):
    """One connection; used on the loop's thread."""

    def __init__(self, host: ConnectionHost[HTTPProtocol], address: Any) -> None:
        self._host = host
        #: The client's address, as ``accept`` returns it.
        self.address = address
        self.peer: Peer
        self.transport: asyncio.Transport
        self.output: Output
        self._parser = RequestParser(host.limits.max_head_size * HEAD_ROOM)
        self._receiver: Receiver | None = None
        self._responding = False  # from the end of a request to that of its response
        self._holding = False  # received data waits for a receiver, or for another protocol
        self._advancing = False
        self._reading_paused = False
        self._linger: asyncio.TimerHandle | None = None
        self._taken_over = False
        self._waiting: asyncio.Future[None] | None = None
        #: True when the client has closed its half of the connection.
        self.half_closed = False
        #: True when the connection has ended.
        self.lost = False
        #: True if another request may follow the current one.
        self.keep_alive = True

    # Called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Prepare for requests."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.output = Output(self.transport)
        self.peer = self._host.connection_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer that all connections share."""
        return self._host.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse received bytes, or keep them until the current request has ended."""
        if self._linger is not None:
            return
        self._parser.receive_data(self._host.read_buffer[:nbytes])
        if self._responding or self._holding:
            self._limit_waiting()
        else:
            self._advance()

    def eof_received(self) -> bool:
        """Keep the transport open for a response, or for another protocol."""
        self.half_closed = True
        if self._linger is not None:
            return False
        if self._responding:
            return self._receiver is None or self._receiver.serves_half_closed
        return self._holding

    def pause_writing(self) -> None:
        """Remember that data is unsent."""
        self.output.paused = True

    def resume_writing(self) -> None:
        """Handle that all data was sent."""
        self.output.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the receiver and the server."""
        self.lost = True
        self.output.when_drained(None)
        if self._linger is not None:
            self._linger.cancel()
        receiver, self._receiver = self._receiver, None
        try:
            if receiver is not None:
                receiver.on_connection_close()
        finally:
            if not self._taken_over:
                self._host.connection_lost(self)

    # Requests

    @property
    def has_request(self) -> bool:
        """True from the head of a request to the end of its response."""
        return self._receiver is not None

    @property
    def closed(self) -> bool:
        """True if nothing can be sent."""
        return bool(self._linger or self.lost or self._taken_over or self.transport.is_closing())

    @property
    def receiving(self) -> bool:
        """True when bytes have arrived that are not parsed yet."""
        return bool(self._parser.buffer)

    def _advance(self) -> None:
        """Parse what has arrived, up to the end of the current request."""
        self._advancing = True
        try:
            while not (self._responding or self._holding or self.closed):
                event = self._parser.next_event()
                if event is None:
                    break
                self._handle(event)
        except FAILURES as error:
            self._fail(error)
        finally:
            self._advancing = False
        if self.half_closed and not (self._responding or self._holding):
            self.transport.close()

    def _handle(self, event: object) -> None:
        if isinstance(event, RequestHead):
            self._begin(event)
        elif event is END:
            assert self._receiver is not None
            self._responding = True
            self._receiver.finish()
        elif self._receiver is not None:
            waiting = self._receiver.data_received(cast(bytes, event))
            if waiting is not None:
                self._wait_for(waiting)

    def _begin(self, head: RequestHead) -> None:
        self.keep_alive = head.keeps_alive
        self._receiver = self._host.start_request(self, head)
        waiting = self._receiver.head_received(head)
        if self._holding or self.closed:
            return
        self._parser.begin_body(head)
        if waiting is not None:
            self._wait_for(waiting, head)
        else:
            self._request_body(head)

    def _request_body(self, head: RequestHead) -> None:
        """RFC 9110 §10.1.1: no 100 Continue follows a response."""
        if head.expects_continue and self._receiver and not self._receiver.has_responded:
            self.transport.write(CONTINUE)

    def _wait_for(self, waiting: Awaitable[None], head: RequestHead | None = None) -> None:
        """Keep received data until a receiver is ready for it."""
        self._holding = True
        ready = partial(self._proceed, head)
        self._waiting = asyncio.ensure_future(settle(waiting, ready, self._fail))

    def _proceed(self, head: RequestHead | None) -> None:
        """Parse what has arrived meanwhile."""
        if not self.closed:
            self._holding = False
            if head is not None:
                self._request_body(head)
            self._continue()

    def _fail(self, error: BaseException) -> None:
        """Refuse a malformed request; close the connection after an unexpected exception."""
        if (code := status_of(error)) is not None:
            self.refuse_unparsed(code)
        else:
            logger.error("A request failed; closed the connection.", exc_info=error)
            self.transport.abort()

    def response_sent(self, *, close: bool) -> None:
        """End the current request; then close, or parse the next one."""
        if self.lost or self._taken_over:
            return
        self._receiver = None
        if not self._responding:  # the client may still send its body
            self.linger()
            return
        if close or not self.keep_alive:
            self.transport.close()
            return
        if not self._advancing and (self._parser.buffer or self.half_closed):
            asyncio.get_running_loop().call_soon(self._next_request)
        else:
            self._responding = False
            self._parser.next_request()

    def _next_request(self) -> None:
        self._responding = False
        self._parser.next_request()
        self._continue()

    def _continue(self) -> None:
        if not (self._responding or self._holding or self.closed):
            self._advance()
            self._limit_waiting()

    def _limit_waiting(self) -> None:
        """Stop reading while much data waits for something other than more data."""
        waits = self._responding or self._holding
        full = waits and len(self._parser.buffer) > MAX_WAITING
        if full == self._reading_paused or self.closed or self.half_closed:
            return
        self._reading_paused = full
        (self.transport.pause_reading if full else self.transport.resume_reading)()

    # The end

    def refuse(self, response: bytes, *, linger: bool) -> None:
        """Send an error response, and close; with ``linger`` when the client does."""
        sent = not self.closed and self.output.write(response)
        if sent and (self.half_closed or not linger):
            self.transport.close()
        else:
            self.linger()

    def linger(self) -> None:
        """Discard data until the client closes, at most ``linger_timeout`` (RFC 9112 §9.6)."""
        if self.closed:
            return
        self._holding = True
        self._parser.take_rest()
        self._limit_waiting()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        loop = asyncio.get_running_loop()
        self._linger = loop.call_later(self._host.limits.linger_timeout, self.close)

    def refuse_unparsed(self, code: int) -> None:
        """Refuse a request that stalls or cannot be parsed."""
        if self._receiver is not None and self._receiver.has_responded:
            self.transport.close()
        else:
            self.refuse(self._host.refuse(self, code), linger=True)

    def expire(self) -> None:
        """Close an idle connection; answer a head that stalls with 408."""
        if self._parser.buffer and not self.closed:
            self.refuse_unparsed(408)
        else:
            self.close()

    def close(self) -> None:
        """Close a connection without a request."""
        if self.output.paused:
            self.transport.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    # Upgrades

    def release(self) -> None:
        """Stop parsing, for another protocol; what arrives until ``hand_over`` is kept."""
        self._holding = self._taken_over = True
        self._receiver = None
        self._host.connection_lost(self)

    def take_early(self) -> bytes:
        """Return what arrived after the request, and was not parsed."""
        return self._parser.take_rest()

    def hand_over(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the transport to a protocol, with all events that it has missed."""
        transport = self.transport
        if self._reading_paused:
            transport.resume_reading()
        if self.lost:
            replay_end(protocol, transport)
            return
        self.output.limit_unsent(0)
        transport.set_write_buffer_limits()
        transport.set_protocol(protocol)
        paused, early = self.output.paused, self.take_early()
        replay(protocol, transport, early, paused=paused, ended=self.half_closed)
