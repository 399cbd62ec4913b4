"""Items that a connection sends, in call order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from unittest import mock

import pytest

from c10kws import ConnectionClosed
from c10kws.connection.total_queue import total_queue
from tests.support.connections import open_connection, turn


def in_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_what_threads_send_keeps_its_place() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        ws.write_message("1")
        in_thread(lambda: ws.write_message("2"))
        assert not connection.sender.prompt
        ws.write_message("3")
        in_thread(lambda: ws.close(4000))
        await turn()
        assert b"".join(transport.writes) == b"\x81\x011\x81\x012\x81\x013\x88\x02\x0f\xa0"
        assert (ws.sent, ws.dropped, ws.close_code) == (3, 0, 4000)

    asyncio.run(main())


def test_a_thread_wakes_the_loop_once_for_all_that_it_sends() -> None:
    async def main() -> None:
        ws, _, transport = open_connection()
        await turn()
        loop = asyncio.get_running_loop()
        with mock.patch.object(
            loop, "call_soon_threadsafe", wraps=loop.call_soon_threadsafe
        ) as woken:
            for texts in ("abc", "de"):
                in_thread(lambda: [ws.write_message(text) for text in texts])  # noqa: B023
                await turn()
        assert woken.call_count == 2
        assert transport.writes == [b"\x81\x01a\x81\x01b\x81\x01c", b"\x81\x01d\x81\x01e"]

    asyncio.run(main())


def test_a_promised_flush_spares_wake_ups_and_comes() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        await turn()
        loop = asyncio.get_running_loop()
        wake = mock.Mock(wraps=loop.call_soon_threadsafe)
        with mock.patch.object(loop, "call_soon_threadsafe", wake):
            connection.sender.flush_within(0.001)
            in_thread(lambda: ws.write_message("a"))
            assert (wake.call_count, transport.writes) == (0, [])
            while not transport.writes:
                await turn()
            in_thread(lambda: ws.write_message("b"))
            assert wake.call_count == 1
            await turn()
        assert transport.writes == [b"\x81\x01a", b"\x81\x01b"]

    asyncio.run(main())


def test_during_a_pause_messages_wait_in_the_outbox() -> None:
    async def main() -> None:
        before = total_queue.size
        ws, connection, transport = open_connection()
        transport.unsent = 100_000
        connection.pause_writing()
        written = [asyncio.ensure_future(ws.write_message(text)) for text in ("a", "b")]
        await turn()
        assert (transport.writes, connection.sender.queued) == ([], 100_000 + 6)
        assert total_queue.size == before + 100_000 + 6
        assert len(connection.loop_state.slow_clients) == 1
        transport.unsent = 0
        connection.resume_writing()
        await asyncio.wait_for(asyncio.gather(*written), 5)
        assert (transport.writes, connection.sender.queued) == ([b"\x81\x01a\x81\x01b"], 0)
        assert (len(connection.loop_state.slow_clients), total_queue.size) == (0, before)

    asyncio.run(main())


def test_a_queue_that_no_task_awaits_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        ws, connection, transport = open_connection(max_queue_bytes=1000)
        connection.pause_writing()
        for _ in range(11):
            ws.write_message("x" * 100)
        assert not ws.closed
        await turn()
        assert (ws.close_code, ws.close_reason) == (1013, "too slow")
        connection.connection_lost(None)
        assert (ws.sent, ws.dropped, transport.writes) == (0, 11, [b"\x88\x0a\x03\xf5too slow"])

    asyncio.run(main())
    assert "more than 1000 bytes queued" in caplog.text


def test_a_message_in_fragments_holds_back_others_but_no_ping() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        go_on = asyncio.Event()

        async def parts() -> AsyncIterator[str]:
            yield "a"
            await go_on.wait()
            yield "b"

        sent = asyncio.ensure_future(ws.write_message(parts()))
        await turn()
        ws.write_message("after")
        ping = asyncio.ensure_future(ws.ping())
        await turn()
        data = b"".join(transport.writes)
        assert data[:5] == b"\x01\x01a\x89\x08"
        go_on.set()
        await asyncio.wait_for(sent, 5)
        await turn()
        rest = b"".join(transport.writes)[len(data) :]
        assert rest == b"\x00\x01b\x80\x00\x81\x05after"
        connection.connection_lost(None)
        with pytest.raises(ConnectionClosed):
            await ping

    asyncio.run(main())


def test_after_the_end_every_item_has_its_result() -> None:
    async def main() -> None:
        ws, connection, _ = open_connection()
        connection.connection_lost(None)

        async def parts() -> AsyncIterator[str]:
            yield "never"

        for operation in (ws.write_message("x"), ws.write_message(parts()), ws.ping()):
            with pytest.raises(ConnectionClosed):
                await operation
        await ws.close()
        assert (ws.sent, ws.dropped, ws.close_code) == (0, 2, 1006)

    asyncio.run(main())
