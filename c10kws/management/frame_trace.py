"""``FrameTracer``: a line for each frame of each connection (``runserver --frames``).

It is between the server's stream and the connection, and reads the bytes of both directions once
more. Neither the server nor the connection knows of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from c10kws_tornado.accesslog import AccessLog

from ..hijack import Stream
from .frame_line import describe_frame, secrets_of
from .frame_scanner import FrameScanner, SeenFrame

logger = logging.getLogger("c10kws.frames")

#: Called with "received" or "sent" and a frame.
Show = Callable[[str, SeenFrame], None]


class LineTracer:
    """Tracer that writes lines in order, but does not observe frames."""

    def __init__(self) -> None:
        self._log = AccessLog()

    def wrap(self, stream: Stream, request: HttpRequest) -> Stream:
        """Return the stream itself."""
        return stream

    def later(self, write: Callable[..., object], *args: Any) -> None:
        """Call a function that logs, after those before it, in the thread for lines."""
        self._log.later(partial(_write, write, args))


class FrameTracer(LineTracer):
    """Tracer that writes a line for each frame."""

    def wrap(self, stream: Stream, request: HttpRequest) -> Stream:
        """Return a stream that shows its frames."""
        path, secrets = escape_uri_path(request.path), secrets_of(request)

        def show(direction: str, frame: SeenFrame) -> None:
            self.later(write_frame, path, direction, describe_frame(frame, secrets))

        return _TracedStream(stream, show)


def write_frame(path: str, direction: str, text: str) -> None:
    """Write the line of a frame."""
    fields = {"path": path, "direction": direction}
    logger.debug('"WebSocket %s" %s %s', path, direction, text, extra=fields)


def _write(write: Callable[..., object], args: tuple[Any, ...]) -> None:
    write(*args)


class _TracedStream:
    """A stream that has been upgraded, with its protocol and transport observed."""

    def __init__(self, stream: Stream, show: Show) -> None:
        self._stream = stream
        self._show = show

    @property
    def upgraded(self) -> bool:
        return self._stream.upgraded

    def attach(self, protocol_factory: Callable[[], asyncio.BaseProtocol]) -> None:
        protocol = cast(asyncio.BufferedProtocol, protocol_factory())
        self._stream.attach(lambda: _TracedProtocol(protocol, self._show))


class _TracedProtocol(asyncio.BufferedProtocol):
    """The protocol of a connection; shows the frames that are received."""

    def __init__(self, protocol: asyncio.BufferedProtocol, show: Show) -> None:
        self._protocol = protocol
        self._show = show
        self._scanner = FrameScanner()
        self._buffer: Any = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        traced = _TracedTransport(cast(asyncio.Transport, transport), self._show)
        self._protocol.connection_made(cast(asyncio.BaseTransport, traced))

    def get_buffer(self, sizehint: int) -> Any:
        self._buffer = self._protocol.get_buffer(sizehint)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        for frame in self._scanner.feed(bytes(self._buffer[:nbytes])):
            self._show("received", frame)
        self._protocol.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)


class _TracedTransport:
    """The transport of a connection; shows the frames that are sent."""

    def __init__(self, transport: asyncio.Transport, show: Show) -> None:
        self._transport = transport
        self._show = show
        self._scanner = FrameScanner()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._trace(data)
        self._transport.write(data)

    def writelines(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._trace(piece)
        self._transport.writelines(pieces)

    def _trace(self, data: bytes) -> None:
        for frame in self._scanner.feed(data):
            self._show("sent", frame)
