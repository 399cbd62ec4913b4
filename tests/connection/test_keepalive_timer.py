"""The timer that visits all connections."""

from __future__ import annotations

import asyncio
from collections import Counter

from c10kws.connection.keepalive_timer import SLOTS, KeepaliveTimer
from tests.support.connections import open_connection


def test_connections_are_spread_over_the_slots() -> None:
    async def main() -> None:
        timer = KeepaliveTimer(asyncio.get_running_loop(), 20, 20)
        connections = [open_connection()[1] for _ in range(64 * SLOTS)]
        for connection in connections:
            timer.add(connection)
        sizes = Counter(len(slot) for slot in timer._slots)
        assert min(sizes) > 16, sizes
        for connection in connections:
            timer.remove(connection)

    asyncio.run(main())
