"""Clients of all kinds, which come and go."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

from tests.support.frames import CLOSE, TEXT, close_frame, frame
from tests.support.peers import handshake

#: Clients of each kind at the same time.
EACH = 8
#: Seconds after which a client that still waits is a fault.
PATIENCE = 60.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Crowd:
    """Keeps EACH clients of each kind busy, and counts them."""

    def __init__(self, port: int) -> None:
        self._port = port
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

    def summary(self) -> str:
        """Return the number of clients so far."""
        return f"{self._done.total()} clients"

    def faults(self) -> Iterator[str]:
        """Yield errors of clients, and kinds of which none has ended."""
        for error, count in self._errors.items():
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
                self._errors[f"{kind.__name__}: {error!r}"] += 1
                await asyncio.sleep(1)
            await asyncio.sleep(self._random.random() / 10)

    async def _connect(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def _open(self, path: str) -> Streams:
        reader, writer = await self._connect()
        writer.write(handshake(path))
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
            data = await reader.readexactly(6)
            while data[0] & 0x0F == 9:  # a Ping: its frame has a longer payload
                data = data[2 + data[1] :]
                data += await reader.readexactly(6 - len(data) if len(data) < 6 else 0)
            assert data[2:] == text, data
        writer.write(close_frame(1000))
        assert (await reader.read())[:1] == bytes([0x80 | CLOSE])
        writer.close()

    async def _reset(self) -> None:
        """Reset the connection within a conversation."""
        _, writer = await self._open("/echo/")
        writer.write(frame(TEXT, b"x") * 10)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

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
