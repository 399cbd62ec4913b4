"""Clients of all kinds, which come and go."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import struct
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

from c10kws.events.frames.envelope import SUBPROTOCOL
from tests.support.frames import CLOSE, FIN, PING, TEXT, close_frame, frame
from tests.support.peers import OFFER, handshake

#: Clients of each kind at the same time.
EACH = 8
RSV1 = 0x40
#: Seconds after which a client that still waits is a fault.
PATIENCE = 60.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Crowd:
    """Keeps EACH clients of each kind busy, and counts them."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._port, self._tls = port, tls
        self._busy = False
        self._random = random.Random(1)
        self._done: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._kinds: list[Callable[[], Awaitable[None]]] = [
            self._talk,
            self._reset,
            self._read_slowly,
            self._fall_silent,
            self._load_pages,
            self._wait_for_news,
            self._read_stream,
            self._stall,
            self._compress,
            self._use_rooms,
            self._be_refused,
            self._upload,
            self._leave_at_once,
        ]

    async def wait_for_server(self) -> None:
        """Return when the server accepts connections."""
        for _ in range(600):
            with suppress(OSError):
                (_, writer) = await self._connect()
                writer.close()
                return
            await asyncio.sleep(0.1)
        raise TimeoutError("the server does not start")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Open and close clients until the block ends, then wait for the last ones."""
        self._busy = True
        tasks = [asyncio.create_task(self._repeat(kind)) for kind in self._kinds * EACH]
        try:
            yield
        finally:
            self._busy = False
            await asyncio.gather(*tasks)

    @property
    def clients(self) -> int:
        """The number of clients that have ended."""
        return self._done.total()

    def summary(self) -> str:
        """Return the number of clients so far."""
        return f"{self.clients} clients"

    def details(self) -> str:
        """Return the number of clients of each kind."""
        return ", ".join(f"{name.strip('_')} {count}" for name, count in self._done.items())

    def faults(self) -> Iterator[str]:
        """Yield errors of clients, and kinds of which none has ended."""
        for error, count in self._errors.most_common(20):
            yield f"{count} times: {error}"
        for kind in self._kinds:
            if not self._done[kind.__name__]:
                yield f"no client has ended: {kind.__name__}"

    async def _repeat(self, kind: Callable[[], Awaitable[None]]) -> None:
        while self._busy:
            try:
                await asyncio.wait_for(kind(), PATIENCE)
                self._done[kind.__name__] += 1
            except (OSError, asyncio.IncompleteReadError, AssertionError, TimeoutError) as error:
                self._errors[f"{kind.__name__}: {error!r:.200}"] += 1
                await asyncio.sleep(1)
            await asyncio.sleep(self._random.random() / 10)

    async def _connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)

    async def _open(self, path: str, *headers: str) -> Streams:
        reader, writer = await self._connect()
        writer.write(handshake(path, *headers))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return reader, writer

    async def _get(self, path: str) -> Streams:
        reader, writer = await self._connect()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return reader, writer

    # Kinds of clients

    async def _talk(self) -> None:
        """Exchange messages, and close."""
        reader, writer = await self._open("/echo/")
        for number in range(20):
            text = b"%04d" % number
            writer.write(frame(TEXT, text))
            assert await read_frame(reader) == (FIN | TEXT, text)
        writer.write(close_frame(1000))
        first, _ = await read_frame(reader)
        assert first == FIN | CLOSE, first
        writer.close()

    async def _reset(self) -> None:
        """Reset the connection within a conversation."""
        _, writer = await self._open("/echo/")
        writer.write(frame(TEXT, b"x") * 10)
        reset(writer)

    async def _read_slowly(self) -> None:
        """Read less than the server sends, until it closes."""
        reader, writer = await self._open("/flood/")
        with suppress(ConnectionError):
            for _ in range(20):
                if not await reader.read(1000):
                    break
                await asyncio.sleep(0.1)
        writer.transport.abort()

    async def _fall_silent(self) -> None:
        """Answer no Ping; the server closes and disconnects."""
        reader, writer = await self._open("/echo/")
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        writer.close()

    async def _load_pages(self) -> None:
        """Load pages on one connection, and leave it to the server."""
        reader, writer = await self._get("/page/")
        for number in range(10):
            if number:
                writer.write(b"GET /page/ HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            await reader.readexactly(5000)
        assert await reader.read() == b""
        writer.close()

    async def _wait_for_news(self) -> None:
        """Wait for a long poll, or leave before it responds."""
        reader, writer = await self._get("/poll/")
        if self._random.random() < 0.5:
            await asyncio.sleep(0.1)
        else:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
        writer.close()

    async def _read_stream(self) -> None:
        """Read a part of a stream, and leave."""
        reader, writer = await self._get("/stream/")
        await reader.readuntil(b"data: 5\n")
        writer.close()

    async def _stall(self) -> None:
        """Send half of a head; the server answers with 408."""
        reader, writer = await self._connect()
        writer.write(b"GET /page/ HTTP/1.1\r\nHost:")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()

    async def _compress(self) -> None:
        """Exchange compressed messages, and disconnect without a Close."""
        reader, writer = await self._open("/compressed/", OFFER)
        deflater = zlib.compressobj(wbits=-15)
        for number in range(5):
            text = b"%d " % number * 1000
            data = deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH)
            writer.write(frame(RSV1 | TEXT, data[:-4]))
            first, _ = await read_frame(reader)
            assert first == FIN | RSV1 | TEXT, first
        writer.close()

    async def _use_rooms(self) -> None:
        """Join rooms, emit to them, and close or reset the connection."""
        reader, writer = await self._open("/events/rooms", f"Sec-WebSocket-Protocol: {SUBPROTOCOL}")
        for number in range(5):
            room = f"room {self._random.randrange(1000)}"
            for event in ("ws:join", "say", "count"):
                envelope = {"event": event, "data": {"room": room}, "id": number}
                writer.write(frame(TEXT, json.dumps(envelope).encode()))
        if self._random.random() < 0.5:
            reset(writer)
            return
        received = b""
        while received.count(b"ws:reply") < 15:
            data = await reader.read(10_000)
            assert data, received
            received += data
        writer.write(close_frame(1000))
        writer.close()

    async def _be_refused(self) -> None:
        """Open a path that no view has, as a page and as a WebSocket.

        The server caches a bounded number of paths, but no query strings.
        """
        reader, writer = await self._open(f"/nowhere/?{self._random.randrange(10**9)}")
        assert (await reader.read(4))[2:] == (4404).to_bytes(2, "big")
        writer.close()
        reader, writer = await self._get("/nowhere/")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404 ")
        writer.close()

    async def _upload(self) -> None:
        """Send a body, or reset the connection within it."""
        reader, writer = await self._connect()
        writer.write(b"POST /upload/ HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
        writer.write(bytes(100_000))
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.random() / 10)
            reset(writer)
            return
        writer.write(bytes(200_000))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()

    async def _leave_at_once(self) -> None:
        """Disconnect, or reset the connection, before the response to a handshake."""
        _, writer = await self._connect()
        await asyncio.sleep(self._random.random())
        if self._random.random() < 0.5:
            writer.write(handshake("/echo/"))
        if self._random.random() < 0.5:
            reset(writer)
        writer.close()


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the first byte and the payload of the next short frame that is no Ping."""
    while True:
        first, size = await reader.readexactly(2)
        assert size < 126, size
        payload = await reader.readexactly(size)
        if first != FIN | PING:
            return first, payload


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None:  # the server has not closed it
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
