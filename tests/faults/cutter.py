"""A proxy that cuts connections: ``python -m tests.faults.cutter UPSTREAM``.

It listens on a free port of 127.0.0.1, which it prints, and connects to the Unix socket UPSTREAM.
Each line of stdin is a command:

``pass``
    Pass bytes on, as at the beginning.
``stall``
    Pass nothing on, and keep all connections. New connections are accepted and get no answer.
``deafen``
    Pass on only what goes to UPSTREAM. Nothing comes back.
``drop``
    Close all connections, and new ones at once.
``reset``
    The same, with a TCP reset.
``turn PATH``
    Reset all connections, and pass new ones on to another Unix socket.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress

CHUNK = 1 << 16


class Cutter:
    """Pumps bytes between connections while its gates are open."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._refusing = False
        self._open(forth=True, back=True)

    def command(self, line: str) -> None:
        """Carry out a line of stdin."""
        name, _, path = line.strip().partition(" ")
        self._open(forth=name != "stall", back=name not in ("stall", "deafen"))
        self._refusing = name in ("drop", "reset")
        self._upstream = path or self._upstream
        if name in ("drop", "reset", "turn"):
            for writer in list(self._writers):
                self._end(writer, reset=name != "drop")

    def _open(self, *, forth: bool, back: bool) -> None:
        for gate, is_open in ((self._forth, forth), (self._back, back)):
            if is_open:
                gate.set()
            else:
                gate.clear()

    def _end(self, writer: asyncio.StreamWriter, *, reset: bool) -> None:
        connection = writer.get_extra_info("socket")
        if reset and connection.family == socket.AF_INET:
            with suppress(OSError):  # its client has just closed it
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client to UPSTREAM, until one of them ends."""
        if self._refusing:
            self._end(writer, reset=True)
            return
        self._writers.add(writer)
        with suppress(OSError):
            await self._forth.wait()
            upstream_reader, upstream_writer = await asyncio.open_unix_connection(self._upstream)
            self._writers.add(upstream_writer)
            await asyncio.gather(
                self._pump(reader, upstream_writer, self._forth),
                self._pump(upstream_reader, writer, self._back),
            )
            self._writers.discard(upstream_writer)
        self._writers.discard(writer)
        writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await gate.wait()
                writer.write(data)
                await writer.drain()
        await gate.wait()
        writer.close()


async def main(upstream: str) -> None:
    cutter = Cutter(upstream)
    server = await asyncio.start_server(cutter.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        cutter.command(line)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
