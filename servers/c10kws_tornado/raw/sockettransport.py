"""An asyncio transport for a plain TCP socket, on loops that watch file descriptors.

asyncio's own transport does the same. It needs 1 KiB more for each connection (the addresses, a
dictionary of attributes, a weak reference) and two more calls for each read and write. That counts
with ten thousand idle connections, or with messages of a few bytes. Loops with other transports
(uvloop, Windows' proactor) make their own: see ``stream.py``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from .pendingwrites import MAX_PIECES, PendingWrites
from .poller import Readers
from .protocols import NO_PROTOCOL, READ_SIZE, is_buffered, report, socket_info, water_marks
from .writequeue import Data, in_bytes


class SocketTransport(asyncio.Transport):
    """The transport of a connected, non-blocking socket.

    ``readers`` watch the socket for received data: the loop, or a :class:`~.poller.Poller`.
    """

    __slots__ = (
        "_closing",
        "_eof_written",
        "_fd",
        "_high",
        "_loop",
        "_low",
        "_pending",
        "_protocol",
        "_protocol_paused",
        "_readers",
        "_reading",
        "_socket",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        protocol: asyncio.BaseProtocol,
        readers: Readers,
    ) -> None:
        # super().__init__() is not called: its dictionary of extra information is not needed.
        self._loop = loop
        self._readers = readers
        self._socket = connection
        self._fd = connection.fileno()
        self._protocol = protocol
        self._pending: PendingWrites | None = None
        self._closing = False
        self._eof_written = False
        self._reading = False
        self._protocol_paused = False
        self._high, self._low = water_marks()

    def begin(self) -> None:
        """Call ``connection_made()``, and read."""
        self._reading = True
        try:
            self._protocol.connection_made(self)
        except Exception as error:
            self._protocol_failed(error)
        if self._reading and not self._closing:
            self._watch_reads()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return ``socket``, ``peername`` or ``sockname``."""
        return socket_info(self._socket, name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol. One of the same kind costs no call of the kernel."""
        before, self._protocol = self._protocol, protocol
        if self._reading and not self._closing and is_buffered(before) != is_buffered(protocol):
            self._watch_reads()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    # Reading

    def _watch_reads(self) -> None:
        callback = self._read_into_buffer if is_buffered(self._protocol) else self._read
        self._readers.add_reader(self._fd, callback)

    def _read_into_buffer(self) -> None:
        protocol = cast(asyncio.BufferedProtocol, self._protocol)
        try:
            buffer = cast(bytearray, protocol.get_buffer(-1))
            if not len(buffer):
                raise RuntimeError("get_buffer() returned an empty buffer")
        except Exception as error:
            self._protocol_failed(error)
            return
        try:
            size = self._socket.recv_into(buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if not size:
            self._end_of_file()
            return
        try:
            protocol.buffer_updated(size)
        except Exception as error:
            self._protocol_failed(error)

    def _read(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if not data:
            self._end_of_file()
            return
        try:
            cast(asyncio.Protocol, self._protocol).data_received(data)
        except Exception as error:
            self._protocol_failed(error)

    def _end_of_file(self) -> None:
        self._readers.remove_reader(self._fd)
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
        if self._reading and not self._closing:
            self._reading = False
            self._readers.remove_reader(self._fd)

    def resume_reading(self) -> None:
        """Deliver received data again."""
        if not self._reading and not self._closing:
            self._reading = True
            self._watch_reads()

    # Writing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send as much as the kernel takes now and queue the rest."""
        if self._closing or self._eof_written:
            return
        sent = 0
        data = in_bytes(data)
        if self._pending is None:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._lose(error)
                return
            if sent == len(data):
                return
        self._queue([data], sent)

    def _queue(self, pieces: list[Data], sent: int = 0) -> None:
        """Queue pieces for the kernel, without the bytes that were already sent."""
        if self._pending is None:
            self._pending = PendingWrites(self._loop, self._socket, self._sent, self._lose)
        self._pending.add(pieces, sent)
        if self._pending.size > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._protocol.pause_writing()

    def _sent(self, left: int) -> None:
        """Handle a write of queued data, after which ``left`` bytes are queued."""
        if not left:
            self._pending = None
            if self._closing:
                self._finish_soon(None)
            elif self._eof_written:
                self._shut_down()
        if self._protocol_paused and left <= self._low and not self._closing:
            self._protocol_paused = False
            self._protocol.resume_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Send several pieces in one call, without joining them."""
        if self._closing or self._eof_written:
            return
        pieces = [in_bytes(piece) for piece in list_of_data]
        if self._pending is not None:
            self._queue(pieces)
            return
        if len(pieces) > MAX_PIECES:
            self.write(b"".join(pieces))
            return
        try:
            sent = self._socket.sendmsg(pieces)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lose(error)
            return
        if sent < sum(map(len, pieces)):
            self._queue(pieces, sent)

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the kernel has not taken."""
        return 0 if self._pending is None else self._pending.size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the sizes at which ``resume_writing`` and ``pause_writing`` are called."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set these sizes, with the defaults that asyncio documents."""
        self._high, self._low = water_marks(high, low)

    def can_write_eof(self) -> bool:
        """Return True."""
        return True

    def write_eof(self) -> None:
        """Close our half when all data was sent; received data is still delivered."""
        self._eof_written = True
        if self._pending is None and not self._closing:
            self._shut_down()

    def _shut_down(self) -> None:
        with suppress(OSError):  # disconnected, as the next read will show
            self._socket.shutdown(socket.SHUT_WR)

    # The end

    def is_closing(self) -> bool:
        """Return True when the transport is closing or closed."""
        return self._closing

    def close(self) -> None:
        """Send the queued data, then close."""
        if self._closing:
            return
        self._closing = True
        self._readers.remove_reader(self._fd)
        if self._pending is None:
            self._finish_soon(None)

    def abort(self) -> None:
        """Close at once."""
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self._closing and self._pending is None:
            return  # _finish is scheduled
        self._closing = True
        self._readers.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._pending = None
        self._finish_soon(error)

    def detach(self) -> tuple[socket.socket, list[bytes | memoryview[Any]]]:
        """Give up the connection; return its socket and the unsent data."""
        unsent = [] if self._pending is None else self._pending.unsent
        self._readers.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._closing = True
        self._pending = None
        self._protocol = NO_PROTOCOL
        return self._socket, unsent

    def _finish_soon(self, error: Exception | None) -> None:
        self._loop.call_soon(self._finish, error)

    def _finish(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, NO_PROTOCOL
        try:
            protocol.connection_lost(error)
        finally:
            self._socket.close()
