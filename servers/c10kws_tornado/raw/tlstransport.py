"""An asyncio transport for TLS on a non-blocking ``ssl.SSLSocket``.

asyncio's own needs a buffer of 256 KiB for each connection. This one has none, and it works on each
loop on which Tornado's IOLoop can watch file descriptors.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from .descriptorwatch import READ, WRITE, DescriptorWatch
from .protocols import NO_PROTOCOL, READ_SIZE, feed, report, socket_info, water_marks
from .writequeue import WriteQueue, in_bytes

#: Bytes that are encrypted in one call.
WRITE_SIZE = 64 * 1024
#: Reads in one turn of the loop. OpenSSL returns at most one record of 16 KiB.
MAX_READS = 8


class TLSTransport(asyncio.Transport):
    """The transport of a connection whose handshake may not have begun.

    ``connection_made`` is called in one of the loop's next turns, before the handshake is complete.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: ssl.SSLSocket,
        protocol: asyncio.BaseProtocol,
    ) -> None:
        super().__init__()
        self._loop = loop
        self._socket = connection
        self._descriptor = DescriptorWatch(connection.fileno(), self._handle)
        self._protocol = protocol
        self._secure = False
        self._queue = WriteQueue()
        self._chunk: bytes | memoryview[Any] = b""  # OpenSSL expects the same data again
        self._read_waits_for = READ
        self._write_waits_for = WRITE
        self._reading = False
        self._at_end = False
        self._closing = False
        self._finished = False
        self._protocol_paused = False
        self._high, self._low = water_marks()

    def begin(self) -> None:
        """Call ``connection_made()``, and begin the handshake of TLS."""
        self._reading = True
        try:
            self._protocol.connection_made(self)
        except Exception as error:
            self._protocol_failed(error)
        if not self._closing:
            self._shake_hands()
            self._watch()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return ``socket``, ``ssl_object``, ``sslcontext``, ``peername`` or ``sockname``."""
        return socket_info(self._socket, name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    # Events

    def _watch(self) -> None:
        """Watch for the events that reading and writing wait for."""
        events = 0
        if not self._finished:
            if not self._closing and (self._receives or not self._secure):
                events |= self._read_waits_for
            if self._secure and self.get_write_buffer_size():
                events |= self._write_waits_for
        self._descriptor.watch(events)

    def _handle(self) -> None:
        if not self._secure:
            self._shake_hands()
        else:
            if self.get_write_buffer_size():
                self._send()
            if self._receives:
                self._read()
        self._watch()

    @property
    def _receives(self) -> bool:
        return self._reading and not (self._closing or self._at_end)

    def _shake_hands(self) -> None:
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._read_waits_for = READ
        except ssl.SSLWantWriteError:
            self._read_waits_for = WRITE
        except (OSError, ValueError) as error:  # ValueError: disconnected before the handshake
            self._lose(error)
        else:
            self._secure = True
            self._read_waits_for = READ
            self._send()
            if self._receives:
                self._read()

    # Reading

    def _read(self) -> None:
        """Read until OpenSSL has no more data: the loop does not see what OpenSSL has buffered."""
        for _ in range(MAX_READS):
            data = self._receive()
            if data is None:
                return
            if not data:
                self._end_of_file()
                return
            try:
                feed(self._protocol, data, self)
            except Exception as error:
                self._protocol_failed(error)
            if not self._receives:
                return
        self._loop.call_soon(self._read_more)

    def _read_more(self) -> None:
        if self._receives:
            self._read()
        self._watch()

    def _receive(self) -> bytes | None:
        """Return decrypted data; empty at the end, None if there is none yet."""
        try:
            data = self._socket.recv(READ_SIZE)
        except ssl.SSLWantReadError:
            self._read_waits_for = READ
            return None
        except ssl.SSLWantWriteError:
            self._read_waits_for = WRITE
            return None
        except OSError as error:
            self._lose(error)
            return None
        return data

    def _end_of_file(self) -> None:
        """Handle the client's close_notify, or the end of TCP."""
        self._at_end = True
        try:
            keep_open = cast(asyncio.Protocol, self._protocol).eof_received()
        except Exception as error:
            self._protocol_failed(error)
            return
        if not keep_open:
            self.close()

    def _protocol_failed(self, error: Exception) -> None:
        """Log the exception of a protocol and close, as asyncio's own transports do."""
        report(self._loop, self._protocol, error)
        self._lose(error)

    def is_reading(self) -> bool:
        """True while received data is delivered."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Stop delivering received data until ``resume_reading``."""
        self._reading = False
        self._watch()

    def resume_reading(self) -> None:
        """Deliver received data again."""
        if not self._reading and not self._closing:
            self._reading = True
            if self._secure:
                self._loop.call_soon(self._read_more)  # of what OpenSSL has buffered
            self._watch()

    # Writing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send as much as the kernel takes now and queue the rest."""
        self.writelines([data])

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Send several pieces, encrypted together if they are short."""
        if self._closing:
            return
        idle = not self.get_write_buffer_size()
        for data in list_of_data:
            self._queue.add(in_bytes(data))
        if idle and self._secure:
            self._send()
            self._watch()
        if self.get_write_buffer_size() > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._protocol.pause_writing()

    def _send(self) -> None:
        while self._chunk or self._queue.size:
            self._chunk = self._chunk or self._queue.take(WRITE_SIZE)
            try:
                sent = self._socket.send(self._chunk)
            except ssl.SSLWantWriteError:
                self._write_waits_for = WRITE
                break
            except ssl.SSLWantReadError:
                self._write_waits_for = READ
                break
            except OSError as error:
                self._lose(error)
                return
            self._chunk = self._chunk[sent:]
        self._sent()

    def _sent(self) -> None:
        left = self.get_write_buffer_size()
        if self._closing and not left:
            self._finish_soon(None, notify=True)
        elif self._protocol_paused and left <= self._low and not self._closing:
            self._protocol_paused = False
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that were not encrypted and sent."""
        return self._queue.size + len(self._chunk)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the sizes at which ``resume_writing`` and ``pause_writing`` are called."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set these sizes, with the defaults that asyncio documents."""
        self._high, self._low = water_marks(high, low)

    def can_write_eof(self) -> bool:
        """Return False."""
        return False

    # The end

    def is_closing(self) -> bool:
        """Return True when the transport is closing or closed."""
        return self._closing

    def close(self) -> None:
        """Send the queued data and close_notify (RFC 8446 §6.1), then close."""
        if self._closing:
            return
        self._closing = True
        if not self.get_write_buffer_size() or not self._secure:
            self._finish_soon(None, notify=self._secure)
        self._watch()

    def abort(self) -> None:
        """Close at once, without close_notify: the data may be incomplete (RFC 9112 §9.8)."""
        self._lose(None)

    def detach(self) -> tuple[ssl.SSLSocket, list[bytes | memoryview[Any]]]:
        """Give up the connection; return its socket and the unsent data."""
        unsent = [self._chunk, *self._queue.first(len(self._queue))]
        self._closing = self._finished = True
        self._protocol = NO_PROTOCOL
        self._watch()
        return self._socket, [data for data in unsent if data]

    def _lose(self, error: Exception | None) -> None:
        self._closing = True
        self._finish_soon(error, notify=False)

    def _finish_soon(self, error: Exception | None, *, notify: bool) -> None:
        if self._finished:
            return
        self._finished = True
        self._queue, self._chunk = WriteQueue(), b""
        self._watch()
        self._loop.call_soon(self._finish, error, notify)

    def _finish(self, error: Exception | None, notify: bool) -> None:
        protocol, self._protocol = self._protocol, NO_PROTOCOL
        try:
            protocol.connection_lost(error)
        finally:
            if notify:
                # The server does not wait for the peer's close_notify: TLS 1.3 does not require it.
                with suppress(OSError, ValueError):
                    self._socket.unwrap()
            self._socket.close()
