"""The closing handshake of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from c10kws import WebSocket
from tests.support.connections import FakeTransport, open_connection, receive, turn
from tests.support.frames import TEXT, close_frame, frame


async def endless() -> AsyncIterator[str]:
    yield "a"
    await asyncio.Event().wait()


async def until_closed(ws: WebSocket, transport: FakeTransport, call: str) -> None:
    while call not in transport.calls:
        await asyncio.sleep(0.01)
    assert ws.closed


def test_the_server_closes_tcp_after_both_closes() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        closing = asyncio.ensure_future(ws.close(4000, "bye"))
        await turn()
        assert (transport.writes, transport.calls) == ([b"\x88\x05\x0f\xa0bye"], [])
        receive(connection, close_frame(1000))
        assert (ws.close_code, ws.close_reason, transport.calls) == (4000, "bye", ["close"])
        connection.connection_lost(None)
        await asyncio.wait_for(closing, 5)

    asyncio.run(main())


def test_a_peer_that_breaks_the_protocol_may_read_why() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        receive(connection, b"\x81\x01a")  # not masked
        assert (ws.close_code, transport.calls) == (1002, ["write_eof"])
        connection.connection_lost(None)

    asyncio.run(main())


def test_a_close_without_an_answer_is_aborted() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection(close_timeout=0.01)
        ws.close()
        await asyncio.wait_for(until_closed(ws, transport, "abort"), 10)
        connection.connection_lost(ConnectionAbortedError())
        assert ws.close_code == 1000

    asyncio.run(main())


def test_a_close_waits_for_a_message_in_fragments(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        ws, connection, transport = open_connection(handler_timeout=0.01, close_timeout=0.01)
        ws.write_message(endless())
        await turn()
        ws.close()
        assert not ws.closed
        await asyncio.wait_for(until_closed(ws, transport, "abort"), 10)
        assert ws.close_code == 1011  # the peer has half a message
        connection.connection_lost(None)

    asyncio.run(main())
    assert "did not end within 0.01 s" in caplog.text


def test_a_stop_sends_a_close_that_waits() -> None:
    async def main() -> None:
        ws, connection, _ = open_connection()
        ws.write_message(endless())
        await turn()
        connection.stop(1001, 0.0)
        assert not ws.closed
        connection.stop(1001, 0.0)
        assert ws.close_code == 1001
        connection.connection_lost(None)

    asyncio.run(main())


def test_a_failed_handler_waits_for_no_fragments() -> None:
    async def main() -> None:
        ws, connection, _ = open_connection()
        ws.write_message(endless())
        await turn()
        connection.fail()
        assert (ws.close_code, ws.close_reason) == (1011, "internal error")
        connection.connection_lost(None)

    asyncio.run(main())


def test_the_farewell_is_said_once_and_before_the_close() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        connection.farewell = lambda code, reason: ws.write_message(f"{code} {reason}")
        ws.close(4000, "a")
        ws.close(4001, "b")
        await turn()
        assert b"".join(transport.writes) == b"\x81\x064000 a\x88\x03\x0f\xa0a"
        connection.connection_lost(None)

    asyncio.run(main())


def test_messages_before_the_end_can_be_read() -> None:
    async def main() -> None:
        ws, connection, _ = open_connection()
        receive(connection, frame(TEXT, b"last") + close_frame(1000))
        connection.connection_lost(None)
        assert [message async for message in ws] == ["last"]

    asyncio.run(main())
