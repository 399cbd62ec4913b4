"""``write_message`` of an async iterable: one message, a fragment at a time, on real sockets."""

from __future__ import annotations

import asyncio
import gc
import random
import select
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from c10kws import ConnectionClosed, WebSocket
from c10kws.connection.websocket import connection_of
from tests.project.frames_views import connections, play
from tests.support.connections import cork
from tests.support.frames import (
    CLOSE,
    END,
    FIN,
    INTERNAL_ERROR,
    PING,
    PONG,
    TEXT,
    close_frame,
    frame,
)
from tests.support.parts import Gate, each
from tests.support.peers import Peer, closed_with, opened, opened_with, read_all, read_raw
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

PLAIN = "/ws/frames/plain/"
CONTINUATION, BINARY = 0, 2


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    """A Ping may pass between fragments: leave them out where the frames are counted."""
    settings.C10KWS = {"PING_INTERVAL": None, "CLOSE_TIMEOUT": 0.5}


# The frames


@pytest.mark.parametrize(
    ("parts", "opcode", "frames"),
    [
        (["one", "two"], None, [(TEXT, b"one"), (CONTINUATION, b"two"), END]),
        ([b"one", b"two"], None, [(BINARY, b"one"), (CONTINUATION, b"two"), END]),
        ([bytearray(b"1"), memoryview(b"2")], None, [(BINARY, b"1"), (CONTINUATION, b"2"), END]),
        (["é"], 2, [(BINARY, "é".encode()), END]),
        ([b"one", b"two"], 1, [(TEXT, b"one"), (CONTINUATION, b"two"), END]),
        ([], None, [(FIN | TEXT, b"")]),
        ([], 1, [(FIN | TEXT, b"")]),
        ([], 2, [(FIN | BINARY, b"")]),
        (["", "a", ""], None, [(TEXT, b""), (CONTINUATION, b"a"), (CONTINUATION, b""), END]),
        ([b"", b""], None, [(BINARY, b""), (CONTINUATION, b""), END]),
        (["x" * 70_000], None, [(TEXT, b"x" * 70_000), END]),
    ],
)
def test_each_part_is_a_frame_of_one_message(
    live: LiveServer, parts: list[Any], opcode: int | None, frames: list[tuple[int, bytes]]
) -> None:
    async def handler(ws: WebSocket) -> None:
        await ws.write_message(each(parts), opcode)
        assert (ws.sent, ws.dropped) == (1, 0)
        await ws.write_message("next")

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_all(peer) == [*frames, (FIN | TEXT, b"next"), (FIN | CLOSE, b"\x03\xe8")]


def test_a_character_may_be_split_over_parts_of_bytes(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        await ws.write_message(each([bytes([byte]) for byte in "né€😀".encode()]), opcode=1)

    play(handler)
    with live.connect(PLAIN) as ws:
        assert ws.recv(WAIT) == "né€😀"


class Countdown:
    """An async iterable that is no generator."""

    def __init__(self, start: int) -> None:
        self.left = start

    def __aiter__(self) -> Countdown:
        return self

    async def __anext__(self) -> str:
        self.left -= 1
        if self.left < 0:
            raise StopAsyncIteration
        return str(self.left)


def test_any_async_iterable_will_do_and_the_result_may_be_ignored(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        ws.write_message(Countdown(3))
        ws.send(Countdown(2))

    play(handler)
    with live.connect(PLAIN) as ws:
        assert list(ws) == ["210", "10"]


def test_another_opcode_is_refused_at_once(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        with pytest.raises(ValueError, match="opcode"):
            ws.write_message(each(["never"]), opcode=8)
        with pytest.raises(TypeError):
            ws.write_message(iter(["never"]))  # type: ignore[arg-type]
        await ws.write_message("fine")

    play(handler)
    with live.connect(PLAIN) as ws:
        assert list(ws) == ["fine"]


# Order


def test_others_wait_for_the_end_and_keep_their_order(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        gate = Gate()
        ws.write_message("first")
        ws.write_message(gate.parts("a", "b"))
        ws.write_message("second")
        await asyncio.to_thread(ws.write_message, "third")
        ws.write_message(each([b"c"]))
        other = asyncio.create_task(write_later(ws, "fourth"))
        await asyncio.sleep(0.05)  # it waits for what stands before it
        assert not other.done()
        await asyncio.to_thread(ws.write_message, each([]))
        ws.write_message(b"fifth")
        await gate.open_by(ws)
        await other

    async def write_later(ws: WebSocket, text: str) -> None:
        await asyncio.sleep(0)
        await ws.write_message(text)

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (FIN | TEXT, b"first")
        assert read_raw(peer) == (TEXT, b"a")
        peer.socket.sendall(frame(TEXT, b"go"))
        assert read_all(peer) == [
            (CONTINUATION, b"b"),
            END,
            (FIN | TEXT, b"second"),
            (FIN | TEXT, b"third"),
            (BINARY, b"c"),
            END,
            (FIN | TEXT, b"fourth"),
            (FIN | TEXT, b""),
            (FIN | BINARY, b"fifth"),
            (FIN | CLOSE, b"\x03\xe8"),
        ]


def write_from_a_thread(ws: WebSocket, name: str) -> None:
    for number in range(100):
        text = f"{name} {number}"
        ws.write_message(each([text[:1], text[1:]]) if number % 10 == 5 else text)


def test_threads_that_write_beside_streams_keep_their_order(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(asyncio.to_thread(write_from_a_thread, ws, name))
            for number in range(100):
                await ws.write_message(each(["s ", str(number)]))
                await asyncio.sleep(0)
        await ws.write_message("end")

    play(handler)
    seen: dict[str, list[str]] = {}
    with live.connect(PLAIN) as ws:
        while (message := ws.recv(WAIT)) != "end":
            seen.setdefault(str(message)[0], []).append(str(message))
    assert seen == {name: [f"{name} {number}" for number in range(100)] for name in "sabc"}


@pytest.mark.parametrize("how", ["close", "return", "thread"])
def test_a_close_waits_for_the_end_of_the_message(live: LiveServer, how: str) -> None:
    async def handler(ws: WebSocket) -> None:
        gate = Gate()
        ws.write_message(gate.parts("a", "b"))
        if how == "close":
            ws.close(4000, "done")
            ws.write_message("too late")
        elif how == "thread":
            await asyncio.to_thread(ws.close, 4000, "done")
        await gate.open_by(ws)

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        peer.socket.sendall(frame(TEXT, b"go"))
        close = b"\x03\xe8" if how == "return" else b"\x0f\xa0done"
        assert read_all(peer) == [(CONTINUATION, b"b"), END, (FIN | CLOSE, close)]
    eventually(lambda: connections[0].dropped == (how == "close"))


def test_control_frames_pass_between_fragments(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"PING_INTERVAL": 0.2, "PING_TIMEOUT": 60}

    async def handler(ws: WebSocket) -> None:
        gate = Gate()
        ws.write_message(gate.parts("a", "b"))
        await gate.open_by(ws)

    play(handler)
    with opened(live, PLAIN) as peer:
        while (found := read_raw(peer)) != (TEXT, b"a"):
            assert found[0] == FIN | PING
        peer.socket.sendall(frame(PING, b"me too"))
        seen: set[int] = set()
        while seen != {FIN | PING, FIN | PONG}:  # ours, and the answer to theirs
            first, payload = read_raw(peer)
            assert first == FIN | PING or (first, payload) == (FIN | PONG, b"me too")
            seen.add(first)
        peer.socket.sendall(frame(TEXT, b"go"))
        rest = [found for found in read_all(peer) if found[0] != FIN | PING]
        assert rest == [(CONTINUATION, b"b"), END, (FIN | CLOSE, b"\x03\xe8")]


# Failures


async def raising() -> AsyncIterator[str]:
    yield "a"
    raise KeyError("lost")


@pytest.mark.parametrize(
    ("parts", "opcode", "error", "seen"),
    [
        (raising, None, KeyError, [(TEXT, b"a")]),
        (lambda: each(["a", b"b"]), None, TypeError, [(TEXT, b"a")]),
        (lambda: each([b"a", "b"]), None, TypeError, [(BINARY, b"a")]),
        (lambda: each(["a", 1]), None, TypeError, [(TEXT, b"a")]),
        (lambda: each([1]), None, TypeError, []),
        (lambda: each([1]), 1, TypeError, []),
        (lambda: each([None]), 2, TypeError, []),
        (lambda: each([b"a", b"\xff"]), 1, UnicodeDecodeError, [(TEXT, b"a")]),
        (lambda: each([b"a", b"\xc3"]), 1, UnicodeDecodeError, [(TEXT, b"a"), (0, b"")]),
        (lambda: each(["a", "\ud800"]), None, UnicodeEncodeError, [(TEXT, b"a")]),
    ],
)
def test_a_failure_reaches_the_awaiter_and_closes_with_1011(
    live: LiveServer,
    parts: Any,
    opcode: int | None,
    error: type[Exception],
    seen: list[tuple[int, bytes]],
) -> None:
    raised: list[type[BaseException]] = []

    async def handler(ws: WebSocket) -> None:
        with pytest.raises(error) as caught:
            await ws.write_message(parts(), opcode)
        raised.append(caught.type)
        with pytest.raises(ConnectionClosed):
            await ws.write_message("more")
        raised.append(ConnectionClosed)

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_all(peer) == [*seen, INTERNAL_ERROR]
        eventually(lambda: raised == [error, ConnectionClosed])


def test_a_failure_that_nobody_awaits_is_logged_by_asyncio(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(ws: WebSocket) -> None:
        ws.write_message(raising())
        await ws.wait_closed()

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_all(peer)[-1] == INTERNAL_ERROR
    eventually(lambda: gc.collect() >= 0 and "KeyError: 'lost'" in caplog.text)


def test_messages_behind_a_failed_one_are_dropped(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        ws.write_message("before")
        failing = asyncio.ensure_future(ws.write_message(raising()))
        ws.write_message("behind")
        behind = ws.write_message(each(["behind, too"]))
        with pytest.raises(KeyError):
            await failing
        with pytest.raises(ConnectionClosed):
            await behind

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_all(peer) == [(FIN | TEXT, b"before"), (TEXT, b"a"), INTERNAL_ERROR]
        peer.socket.sendall(close_frame(1011))
    eventually(lambda: (connections[0].sent, connections[0].dropped) == (1, 2))


class Endless:
    """A generator that remembers how it ended."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    async def parts(self) -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        finally:
            self.ends.append("finally")


@pytest.mark.parametrize("end", ["close", "vanish"])
def test_the_peers_end_cancels_the_generator(live: LiveServer, end: str) -> None:
    endless = Endless()
    codes: list[int] = []

    async def handler(ws: WebSocket) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            await ws.write_message(endless.parts())
        codes.append(caught.value.code)

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        if end == "close":
            peer.socket.sendall(close_frame(3000))
            assert read_raw(peer) == (FIN | CLOSE, b"\x0b\xb8")
        else:
            reset(peer)
        eventually(lambda: codes == [3000 if end == "close" else 1006])
    assert endless.ends == ["cancelled", "finally"]


def reset(peer: Peer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


def test_a_generator_that_waits_for_its_client_is_closed_too(live: LiveServer) -> None:
    """Suspended at a ``yield`` it cannot be cancelled; its ``finally`` runs all the same."""
    ends: list[str] = []

    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ends.append("finally")

    async def handler(ws: WebSocket) -> None:
        with pytest.raises(ConnectionClosed):
            await ws.write_message(parts())
        ends.append("awaited")

    play(handler)
    with opened(live, PLAIN) as peer:
        assert peer.read(2) == b"\x02\x7f"
        peer.socket.sendall(close_frame(1000))
        eventually(lambda: len(ends) == 2)
    assert ends == ["finally", "awaited"]


def test_a_generator_is_cancelled_when_its_server_stops(live: LiveServer) -> None:
    endless = Endless()

    async def handler(ws: WebSocket) -> None:
        await ws.write_message(endless.parts())

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        live.stop(timeout=0.2)
    assert endless.ends == ["cancelled", "finally"]


def test_after_the_end_the_generator_is_not_begun(live: LiveServer) -> None:
    endless = Endless()
    codes: list[int] = []

    async def handler(ws: WebSocket) -> None:
        await ws.wait_closed()
        ws.write_message(endless.parts())
        with pytest.raises(ConnectionClosed) as caught:
            await ws.write_message(endless.parts())
        codes.append(caught.value.code)
        codes.append(ws.dropped)

    play(handler)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(close_frame(3000))
    eventually(lambda: codes == [3000, 2])
    assert endless.ends == []


def test_the_peers_close_right_after_the_call_reaches_the_awaiter(live: LiveServer) -> None:
    codes: list[int] = []

    async def handler(ws: WebSocket) -> None:
        sending = cork(ws)
        while sending.transport is None:
            await asyncio.sleep(0)
        sending.transport.pause_reading()
        await ws.write_message("ready")
        while connection_of(ws).sender._outbox or sending.frames:  # it goes out
            await asyncio.sleep(0)
        select.select(
            [sending.transport.get_extra_info("socket")], [], [], WAIT
        )  # the Close is here
        sending.transport.resume_reading()
        await asyncio.sleep(0)  # this task's step comes before the socket's in the same turn
        try:
            await asyncio.wait_for(asyncio.ensure_future(ws.write_message(each(["a"]))), 2)
        except ConnectionClosed as closed:
            codes.append(closed.code)
        except TimeoutError:
            codes.append(-1)

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (FIN | TEXT, b"ready")
        peer.socket.sendall(close_frame(3000))
        eventually(lambda: codes)
    assert codes == [3000]


# Speed and size


def test_a_client_that_does_not_read_makes_the_generator_wait(live: LiveServer) -> None:
    pulled: list[int] = []

    async def parts() -> AsyncIterator[bytes]:
        for number in range(1000):
            pulled.append(number)
            yield number.to_bytes(4, "big") * 16_384

    async def handler(ws: WebSocket) -> None:
        await ws.write_message(parts())

    play(handler)
    with opened(live, PLAIN) as peer:
        eventually(lambda: is_still(pulled))
        assert len(pulled) < 500  # what fits into the kernel's buffers, and ours
        assert cork(connections[0]).unsent < 1_000_000
        for number in range(1000):
            first, payload = read_raw(peer)
            assert first == (CONTINUATION if number else BINARY)
            assert payload == number.to_bytes(4, "big") * 16_384
        assert read_raw(peer) == END
    assert len(pulled) == 1000


def is_still(pulled: list[int]) -> bool:
    """Whether a list did not grow for a while; too early a yes does no harm here."""
    before = len(pulled)
    time.sleep(0.5)
    return before > 0 and len(pulled) == before


def test_a_generator_that_never_waits_lets_others_have_their_turn(live: LiveServer) -> None:
    turns: list[int] = []

    async def count() -> None:
        while True:
            turns.append(len(turns))
            await asyncio.sleep(0)

    async def handler(ws: WebSocket) -> None:
        await ws.write_message("hi")
        counting = asyncio.create_task(count())
        await asyncio.sleep(0)
        before = len(turns)
        await ws.write_message(each([""] * 20_000))
        turns_taken.append(len(turns) - before)
        counting.cancel()

    turns_taken: list[int] = []
    play(handler)
    with opened(live, PLAIN) as peer:
        assert len(read_all(peer)) == 20_003
    assert turns_taken[0] > 100


def test_awaited_writes_behind_a_fragmented_message_wait(live: LiveServer, settings: Any) -> None:
    """The client reads all it gets; that a message takes its time is no fault of it."""
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 10_000, "CLOSE_TIMEOUT": 0.5}

    async def handler(ws: WebSocket) -> None:
        gate = Gate()
        ws.write_message(gate.parts("a", "b"))
        opening = asyncio.create_task(gate.open_by(ws))
        for _ in range(20):
            await ws.write_message(b"x" * 1000)
        await opening

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        peer.socket.sendall(frame(TEXT, b"go"))
        frames = read_all(peer)
        assert frames[-1] == (FIN | CLOSE, b"\x03\xe8")
        assert frames[2:-1] == [(FIN | BINARY, b"x" * 1000)] * 20


# Compression


@pytest.mark.parametrize("path", ["/ws/frames/compressed/", "/ws/frames/narrow/"])
@pytest.mark.parametrize("kind", [str, bytes])
def test_a_compressed_message_arrives_whole(live: LiveServer, path: str, kind: type) -> None:
    dice = random.Random(1)
    words = [dice.choice(["", "lorem ", "ipsum dolor " * 100, "é€😀"]) for _ in range(200)]
    words += ["", *(chr(dice.randrange(0x20, 0xD7FF)) * dice.randrange(3) for _ in range(500)), ""]
    parts = [word if kind is str else word.encode() for word in words]
    whole = kind().join(parts)

    async def handler(ws: WebSocket) -> None:
        for _ in range(2):
            ws.write_message("a long message between them " * 100)
            await ws.write_message(each(parts))
            ws.write_message(each([]))
            ws.write_message(each([kind(), kind()]))
            ws.write_message("short")

    play(handler)
    with live.connect(path, compression="deflate") as ws:
        assert ws.response is not None
        assert "permessage-deflate" in ws.response.headers["Sec-WebSocket-Extensions"]
        messages = list(ws)
    expected = ["a long message between them " * 100, whole, "", kind(), "short"]
    assert messages == expected * 2


def test_a_compressed_message_is_marked_on_its_first_frame_alone(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        await ws.write_message(each(["a" * 500, "b" * 500]))
        await ws.write_message("short")

    play(handler)
    with live.connect("/ws/frames/compressed/", compression="deflate") as ws:
        assert list(ws) == ["a" * 500 + "b" * 500, "short"]
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    with opened_with(live, "/ws/frames/compressed/", offer) as peer:
        frames = read_all(peer)
    firsts = [first for first, _ in frames]
    assert firsts == [0x40 | TEXT, CONTINUATION, FIN | CONTINUATION, FIN | TEXT, FIN | CLOSE]
    assert sum(len(payload) for _, payload in frames[:3]) < 200


def test_a_failure_of_a_compressed_message_closes_with_1011(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        with pytest.raises(KeyError):
            await ws.write_message(raising())

    play(handler)
    with live.connect("/ws/frames/compressed/", compression="deflate") as ws:
        assert closed_with(ws) == (1011, "internal error")
