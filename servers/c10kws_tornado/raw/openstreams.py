"""The raw streams of one server that may still be open."""

from __future__ import annotations

import asyncio

#: After this many additions, streams that have ended are removed.
SWEEP = 256


class OpenStreams:
    """The transports of raw streams, without the ended ones from time to time.

    Used on the loop's thread.
    """

    def __init__(self) -> None:
        # A dictionary, since its entries take less memory than those of a set.
        self._transports: dict[asyncio.Transport, None] = {}

    def add(self, transport: asyncio.Transport) -> None:
        """Remember a stream by its transport."""
        if len(self._transports) % SWEEP == SWEEP - 1:
            self.sweep()
        self._transports[transport] = None

    def sweep(self) -> None:
        """Forget the streams that have ended."""
        self._transports = {each: None for each in self._transports if not each.is_closing()}

    def __len__(self) -> int:
        return len(self._transports)

    @property
    def open(self) -> frozenset[asyncio.Transport]:
        """The transports of the streams that have not ended."""
        return frozenset(each for each in self._transports if not each.is_closing())

    def abort(self) -> None:
        """Close all streams at once."""
        for transport in self._transports:
            if not transport.is_closing():
                transport.abort()
        self._transports.clear()
