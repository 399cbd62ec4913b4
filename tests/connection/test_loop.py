"""State shared by the connections of one event loop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

from c10kws.conf import DEFAULTS
from c10kws.connection.loop import READ_SIZE, WIDE_READ_SIZE, LoopState, loop_state_of
from tests.support.connections import open_connection


def test_each_loop_has_one_state() -> None:
    async def find() -> LoopState:
        state = loop_state_of(asyncio.get_running_loop())
        _, first, _ = open_connection()
        _, second, _ = open_connection()
        assert first.loop_state is second.loop_state is state
        assert (state.thread, state.done.done()) == (threading.get_ident(), True)
        first.connection_lost(None)
        second.connection_lost(None)
        return state

    assert asyncio.run(find()) is not asyncio.run(find())


def test_a_timer_serves_all_connections_with_its_times() -> None:
    async def main() -> None:
        state = loop_state_of(asyncio.get_running_loop())
        timer = state.keepalive_timer(DEFAULTS)
        assert state.keepalive_timer(replace(DEFAULTS, max_rooms=7)) is timer
        assert state.keepalive_timer(replace(DEFAULTS, ping_timeout=None)) is not timer
        assert state.keepalive_timer(replace(DEFAULTS, ping_interval=None)) is None

    asyncio.run(main())


def test_long_reads_get_a_wider_buffer_and_short_ones_the_first() -> None:
    async def main() -> None:
        _, connection, _ = open_connection()
        assert len(connection.get_buffer(0)) == READ_SIZE
        head = b"\x82\xff" + (10**6).to_bytes(8, "big") + bytes(4)
        buffer = connection.get_buffer(0)
        buffer[: len(head)] = head
        connection.buffer_updated(READ_SIZE)
        assert len(connection.get_buffer(0)) == WIDE_READ_SIZE
        connection.connection_lost(None)

    asyncio.run(main())
