"""Messages that come in parts: async iterables for ``write_message``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from c10kws import WebSocket


async def each(parts: Iterable[Any]) -> AsyncIterator[Any]:
    for part in parts:
        yield part


class Gate:
    """Where a generator waits until the peer sends a message."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def parts(self, *parts: str | bytes) -> AsyncIterator[str | bytes]:
        """Yield the first part, wait, yield the others."""
        yield parts[0]
        await self.event.wait()
        for part in parts[1:]:
            yield part

    async def open_by(self, ws: WebSocket) -> None:
        assert await ws.read_message() == "go"
        self.event.set()
