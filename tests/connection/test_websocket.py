"""The public face of a connection."""

from __future__ import annotations

import asyncio
import re
import weakref

import pytest

from c10kws import ConnectionClosed, WebSocket
from tests.support.connections import FakeStream, open_connection, receive, turn
from tests.support.frames import TEXT, close_frame, frame
from tests.support.shell import ROOT

PAGE = ROOT / "docs" / "reference" / "connection.rst"


def test_it_has_the_names_that_are_documented_and_no_others() -> None:
    directives = r"^\.\. auto(?:method|attribute):: WebSocket\.(\w+)|^\.\. (?:method|attribute):: "
    found = re.findall(directives + r"WebSocket\.(\w+)", PAGE.read_text(), re.MULTILINE)
    documented = {name for pair in found for name in pair if name}
    assert {name for name in dir(WebSocket) if not name.startswith("_")} == documented
    assert len(documented) == 19


def test_messages_are_read_and_written_without_a_socket() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        receive(connection, frame(TEXT, b"one") + frame(TEXT, b"two"))
        assert (ws.pending, ws.received) == (2, 2)
        assert [await ws.read_message(), await ws.recv()] == ["one", "two"]
        ws.write_message("a")
        await ws.send(b"b")
        await turn()
        assert (transport.writes, ws.sent) == ([b"\x81\x01a\x82\x01b"], 2)

    asyncio.run(main())


def test_what_comes_after_the_end_is_dropped_and_raises() -> None:
    async def main() -> None:
        ws, connection, transport = open_connection()
        assert (ws.closed, ws.close_code, ws.close_reason) == (False, None, None)
        receive(connection, close_frame(4000, "bye"))
        assert (ws.closed, ws.close_code, ws.close_reason) == (True, 4000, "bye")
        with pytest.raises(ConnectionClosed) as caught:
            await ws.write_message("x")
        assert (caught.value.websocket, ws.dropped) == (ws, 1)
        with pytest.raises(ConnectionClosed):
            await ws.ping()
        assert [message async for message in ws] == []
        assert transport.calls == ["close"]
        connection.connection_lost(None)
        await asyncio.wait_for(ws.close(), 5)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        pytest.param(frame(TEXT, b"\xff"), "(1007, 'data that is not valid'", id="wsproto's code"),
        pytest.param(frame(3), "(1002, 'protocol error'", id="our code"),
        pytest.param(None, "(1006, ''", id="no code"),
    ],
)
def test_the_code_of_the_end_is_a_plain_number(received: bytes | None, shown: str) -> None:
    """Programs log ``repr(error)`` and serialize the code."""

    async def main() -> None:
        ws, connection, _ = open_connection()
        if received is None:
            connection.connection_lost(None)
        else:
            receive(connection, received)
        assert type(ws.close_code) is int
        with pytest.raises(ConnectionClosed) as caught:
            await ws.read_message()
        assert repr(caught.value).startswith(f"ConnectionClosed{shown}")

    asyncio.run(main())


def test_nothing_keeps_an_ended_connection_alive() -> None:
    """Without a cycle it is freed at once, not by the garbage collector."""

    async def main() -> None:
        ws, connection, _ = open_connection()
        receive(connection, frame(TEXT, b"x"))
        ws.write_message("y")
        await turn()
        connection.connection_lost(None)
        await turn()
        alive = weakref.ref(connection)
        del ws, connection
        assert alive() is None

    asyncio.run(main())


def test_two_tasks_cannot_read() -> None:
    async def main() -> None:
        ws, connection, _ = open_connection()
        reading = asyncio.create_task(ws.read_message())
        await turn()
        with pytest.raises(RuntimeError, match="already waiting"):
            await ws.read_message()
        receive(connection, frame(TEXT, b"x"))
        assert await reading == "x"

    asyncio.run(main())


def test_its_state_is_its_own() -> None:
    async def main() -> None:
        first, second = WebSocket(FakeStream()), WebSocket(FakeStream(), subprotocol="b")
        first.state.name = "a"
        assert (first.state.name, hasattr(second.state, "name")) == ("a", False)
        assert (first.subprotocol, second.subprotocol) == (None, "b")
        with pytest.raises(AttributeError):
            first.anything = 1  # type: ignore[attr-defined]

    asyncio.run(main())
