"""An asyncio transport for a plain TCP socket, on loops that watch file descriptors.

asyncio's own does the same and more, for 1 KiB a connection more (names of the addresses, a
dictionary of attributes, a weak reference) and two calls for each read and write more. With ten
thousand silent connections, or with messages of a few bytes, that is what is measured. Loops with
transports of another kind (uvloop's, Windows' proactor) make their own: see ``stream.py``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from .writequeue import Data, WriteQueue

HIGH_WATER = 64 * 1024
READ_SIZE = 64 * 1024
#: The kernel takes 1,024 pieces at a time; Windows has no such call.
MAX_PIECES = 1024 if hasattr(socket.socket, "sendmsg") else 0
#: The protocol of a transport that has ended, so that it keeps nothing alive.
NOBODY = asyncio.BaseProtocol()


class SocketTransport(asyncio.Transport):
    """Takes a connected, non-blocking socket; ``connection_made`` comes in the loop's next turn."""

    __slots__ = (
        "_buffer",
        "_closing",
        "_ends",
        "_fd",
        "_high",
        "_loop",
        "_low",
        "_protocol",
        "_reading",
        "_socket",
        "_writing_paused",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        protocol: asyncio.BaseProtocol,
    ) -> None:
        # Not super().__init__(): its dictionary of extra information is not needed here.
        self._loop = loop
        self._socket = connection
        self._fd = connection.fileno()
        self._protocol = protocol
        self._buffer: WriteQueue | None = None
        self._closing = False
        self._ends = False  # write_eof was called
        self._reading = False
        self._writing_paused = False
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        # Two turns: a task that is made in this turn runs first, and can wait for the first bytes.
        loop.call_soon(loop.call_soon, self._begin)

    def _begin(self) -> None:
        self._reading = True
        try:
            self._protocol.connection_made(self)
        except Exception as error:
            self._blame_protocol(error)
        if self._reading and not self._closing:
            self._watch_reads()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return ``socket``, ``peername`` or ``sockname``."""
        try:
            match name:
                case "socket":
                    return self._socket
                case "peername":
                    return self._socket.getpeername()
                case "sockname":
                    return self._socket.getsockname()
        except OSError:
            pass
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol; its kind may differ."""
        self._protocol = protocol
        if self._reading and not self._closing:
            self._watch_reads()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    # Reading

    def _watch_reads(self) -> None:
        buffered = isinstance(self._protocol, asyncio.BufferedProtocol)
        callback = self._read_into_buffer if buffered else self._read
        self._loop.add_reader(self._fd, callback)

    def _read_into_buffer(self) -> None:
        protocol = cast(asyncio.BufferedProtocol, self._protocol)
        try:
            buffer = cast(bytearray, protocol.get_buffer(-1))
            if not len(buffer):
                raise RuntimeError("expected room from get_buffer(), not an empty buffer")
        except Exception as error:
            self._blame_protocol(error)
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
            self._blame_protocol(error)

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
            self._blame_protocol(error)

    def _end_of_file(self) -> None:
        self._loop.remove_reader(self._fd)
        try:
            keep_open = cast(asyncio.Protocol, self._protocol).eof_received()
        except Exception as error:
            self._blame_protocol(error)
            return
        if not keep_open:
            self.close()

    def _blame_protocol(self, error: Exception) -> None:
        """Log a protocol that raised and end the connection, as asyncio's own transports do."""
        self._loop.call_exception_handler(
            {"message": "a protocol failed", "exception": error, "protocol": self._protocol}
        )
        self._lose(error)

    def is_reading(self) -> bool:
        """True while received data is delivered."""
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        """Deliver nothing until ``resume_reading``."""
        if self._reading and not self._closing:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def resume_reading(self) -> None:
        """Deliver again."""
        if not self._reading and not self._closing:
            self._reading = True
            self._watch_reads()

    # Writing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send as much as the kernel takes now and keep the rest."""
        if self._closing or self._ends:
            return
        sent = 0
        data = _in_bytes(data)
        if self._buffer is None:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._lose(error)
                return
            if sent == len(data):
                return
        self._keep([data], sent)

    def _keep(self, pieces: list[Data], sent: int = 0) -> None:
        """Queue pieces for the kernel, without the bytes that were already sent."""
        if self._buffer is None:
            self._buffer = WriteQueue()
            self._loop.add_writer(self._fd, self._send_more)
        for piece in pieces:
            self._buffer.add(piece, sent)
            sent = max(sent - len(piece), 0)
        if self._buffer.size > self._high and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Send several pieces in one call, without joining them."""
        pieces = [_in_bytes(piece) for piece in list_of_data]
        if self._closing or self._ends:
            return
        if self._buffer is not None:
            self._keep(pieces)
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
            self._keep(pieces, sent)

    def _send_more(self) -> None:
        assert self._buffer is not None
        pieces = self._buffer.first(MAX_PIECES or 1)
        try:
            sent = (
                self._socket.send(pieces[0]) if len(pieces) == 1 else self._socket.sendmsg(pieces)
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        self._buffer.advance(sent)
        size = self._buffer.size
        if not size:
            self._buffer = None
            self._loop.remove_writer(self._fd)
            if self._closing:
                self._finish_soon(None)
            elif self._ends:
                self._shut_down()
        if self._writing_paused and size <= self._low and not self._closing:
            self._writing_paused = False
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait for the kernel."""
        return 0 if self._buffer is None else self._buffer.size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return when ``resume_writing`` and ``pause_writing`` are called."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set them, as asyncio documents it."""
        if high is None:
            high = HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"expected high >= low >= 0, not {high} and {low}")
        self._high, self._low = high, low

    def can_write_eof(self) -> bool:
        """Answer yes."""
        return True

    def write_eof(self) -> None:
        """Close our half when all is sent; what the peer sends is still delivered."""
        self._ends = True
        if self._buffer is None and not self._closing:
            self._shut_down()

    def _shut_down(self) -> None:
        with suppress(OSError):  # the peer has gone, and reading will tell
            self._socket.shutdown(socket.SHUT_WR)

    # The end

    def is_closing(self) -> bool:
        """Return True when it is closing or closed."""
        return self._closing

    def close(self) -> None:
        """Send what is written, then close."""
        if self._closing:
            return
        self._closing = True
        self._loop.remove_reader(self._fd)
        if self._buffer is None:
            self._finish_soon(None)

    def abort(self) -> None:
        """Close at once."""
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self._closing and self._buffer is None:
            return  # _finish comes
        self._closing = True
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._buffer = None
        self._finish_soon(error)

    def _finish_soon(self, error: Exception | None) -> None:
        """In two turns: not before ``_begin``, which takes as many."""
        self._loop.call_soon(self._loop.call_soon, self._finish, error)

    def _finish(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, NOBODY
        try:
            protocol.connection_lost(error)
        finally:
            self._socket.close()


def _in_bytes(data: bytes | bytearray | memoryview[Any]) -> bytes | bytearray | memoryview[Any]:
    """Return data whose ``len()`` is what the kernel counts."""
    return data.cast("B") if isinstance(data, memoryview) else data
