"""The bounds of a connection: sizes of messages, and queues in both directions."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from c10kws import WebSocket
from c10kws.connection.inbox import MAX_INBOX
from tests.project.frames_views import COMPRESSED, PLAIN, connections, echo, play
from tests.support.connections import cork, inbox
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASK,
    PING,
    TEXT,
    close_frame,
    deflated,
    frame,
)
from tests.support.peers import OFFER, Peer, closed_with, opened, opened_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.usefixtures("no_pings")


# Sizes of messages


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (PLAIN, 2000),
        ("/ws/frames/short/", 1000),
        ("/ws/frames/long/", 3_000_000),
        ("/ws/frames/short-compressed/", 1000),
        (COMPRESSED, 2000),
    ],
)
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("data", ["x", b"x"])
def test_the_views_own_limit_goes_before_the_settings(
    live: LiveServer,
    settings: Any,
    path: str,
    limit: int,
    compression: str | None,
    data: str | bytes,
) -> None:
    settings.C10KWS = {"MAX_MESSAGE_SIZE": 2000, "CLOSE_TIMEOUT": 0.2}
    play(echo)
    with live.connect(path, compression=compression, max_size=None) as ws:
        ws.send(data * limit)
        assert ws.recv(WAIT) == data * limit
        ws.send(data * (limit + 1))
        assert closed_with(ws)[0] == 1009


@pytest.mark.parametrize("fragments", [1, 3])
def test_a_message_is_measured_after_inflating(live: LiveServer, fragments: int) -> None:
    play(echo)
    for size, refused in ((1000, False), (1001, True), (50_000_000, True)):
        payload = deflated(b"x" * size)
        step = -(-len(payload) // fragments)
        pieces = [payload[start : start + step] for start in range(0, len(payload), step)]
        data = b"".join(
            frame(CONTINUATION if number else 0x40 | BINARY, piece, fin=number == len(pieces) - 1)
            for number, piece in enumerate(pieces)
        )
        with opened_with(live, "/ws/frames/short-compressed/", OFFER) as peer:
            peer.socket.sendall(data)
            opcode, answer = peer.read_frame()
            if refused:
                assert (opcode, answer[:2]) == (CLOSE, (1009).to_bytes(2, "big"))
            else:
                assert opcode == BINARY


@pytest.mark.parametrize("fast_lane", [True, False])
def test_what_came_before_the_handlers_own_close_can_still_be_read(
    live: LiveServer, settings: Any, fast_lane: bool
) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "FAST_LANE": fast_lane, "CLOSE_TIMEOUT": WAIT}
    messages: list[str | bytes] = []

    async def handler(ws: WebSocket) -> None:
        async for message in ws:
            messages.append(message)
            if len(messages) == 1:
                ws.close(4000)

    play(handler)
    with opened(live, PLAIN) as peer:
        texts = [b"%d" % number for number in range(6)]
        peer.socket.sendall(b"".join(frame(TEXT, text) for text in texts))
        assert peer.read_frame() == (CLOSE, b"\x0f\xa0")
        peer.socket.sendall(frame(TEXT, b"late") + close_frame(4000))
        assert peer.read_to_end() == b""
    eventually(lambda: len(messages) >= 6)
    assert messages == [text.decode() for text in texts]


def test_a_huge_message_is_refused_by_its_head(live: LiveServer) -> None:
    play(echo)
    with opened(live, "/ws/frames/short/") as peer:
        peer.socket.sendall(bytes([FIN | BINARY, 0xFF]) + (2**62).to_bytes(8, "big") + MASK)
        opcode, answer = peer.read_frame()
        assert (opcode, answer[:2]) == (CLOSE, (1009).to_bytes(2, "big"))


# A handler that does not read


class Reader:
    """A handler that reads when the gate opens, and says at the end what came."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.messages: list[str | bytes] = []

    async def __call__(self, ws: WebSocket) -> None:
        await self.gate.wait()
        async for message in ws:
            if message == "count":
                await ws.write_message(str(len(self.messages)))
            else:
                self.messages.append(message)

    def start(self, live: LiveServer) -> None:
        live.loop.call_soon_threadsafe(self.gate.set)


def send_until_full(peer: Peer, data: bytes) -> int:
    """Send ``data`` until the server takes no more, or all of it; return how much it took."""
    peer.socket.settimeout(1)
    sent = 0
    try:
        while sent < len(data):
            sent += peer.socket.send(data[sent : sent + 1_000_000])
    except TimeoutError:
        pass
    peer.socket.settimeout(WAIT)
    return sent


def small_buffers(peer: Peer) -> None:
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)


def test_a_handler_that_does_not_read_holds_its_client_back(
    live: LiveServer, settings: Any
) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 100_000}
    reader = Reader()
    play(reader)
    payloads = [b"%06d" % number + b"x" * 10_000 for number in range(3000)]
    data = b"".join(frame(BINARY, payload) for payload in payloads) + frame(TEXT, b"count")
    with opened(live, PLAIN) as peer:
        small_buffers(peer)
        sent = send_until_full(peer, data)
        eventually(lambda: inbox(connections[0]).paused)
        sent += send_until_full(peer, data[sent:])
        assert sent < 20_000_000  # the kernel's buffers; the rest of 30 MB stays with the client
        (ws,) = connections
        assert len(inbox(ws).messages) == ws.received
        assert 100_000 < sum(map(len, inbox(ws).messages)) < 1_000_000  # the bound and a read
        reader.start(live)
        peer.socket.sendall(data[sent:])
        assert peer.read_frame() == (TEXT, b"3000")
        assert reader.messages == payloads


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_empty_messages_to_a_handler_that_does_not_read_are_bounded(
    live: LiveServer, opcode: int
) -> None:
    reader = Reader()
    play(reader)
    data = frame(opcode) * 100_000 + frame(TEXT, b"count")
    with opened(live, PLAIN) as peer:
        small_buffers(peer)
        sending = threading.Thread(target=peer.socket.sendall, args=[data])
        sending.start()
        eventually(lambda: connections and len(inbox(connections[0]).messages) > MAX_INBOX)
        eventually(lambda: inbox(connections[0]).paused)
        assert len(inbox(connections[0]).messages) <= MAX_INBOX + 64 * 1024 // 6 + 1
        reader.start(live)
        assert peer.read_frame() == (TEXT, b"100000")
        sending.join(WAIT)
        assert reader.messages == [b"" if opcode == BINARY else ""] * 100_000


def test_reading_pauses_and_goes_on_again_and_again(live: LiveServer, settings: Any) -> None:
    """Every message is over the bound: each one stops the reading, and its reader resumes it."""
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 20_000}
    play(echo)
    with opened(live, PLAIN) as peer:
        texts = [b"%03d" % number + b"x" * 25_000 for number in range(200)]
        sending = threading.Thread(
            target=peer.socket.sendall, args=[b"".join(frame(TEXT, text) for text in texts)]
        )
        sending.start()
        assert [peer.read_frame()[1] for _ in texts] == texts
        sending.join(WAIT)
        peer.socket.sendall(close_frame(1000))
        assert peer.read_frame()[0] == CLOSE


def test_a_close_is_seen_behind_what_nobody_read(live: LiveServer, settings: Any) -> None:
    """The handler ends without reading on: the peer's answer stands behind a full inbox."""
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 1000, "CLOSE_TIMEOUT": WAIT}

    async def leave(ws: WebSocket) -> None:
        while not inbox(ws).paused:
            await asyncio.sleep(0.01)

    play(leave)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(frame(BINARY, b"x" * 2000) * 3)
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")
        peer.socket.sendall(frame(BINARY, b"x" * 2000) * 3 + close_frame(1000))
        assert peer.read_to_end() == b""


# A client that does not read


@pytest.mark.parametrize("where", ["loop", "thread"])
def test_small_writes_to_a_client_that_does_not_read_end_with_1013(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 1000, "CLOSE_TIMEOUT": 0.2}
    caplog.set_level("INFO", "c10kws.access")
    most: list[int] = [0]

    def write(ws: WebSocket) -> None:
        for _ in range(10):
            ws.write_message("x" * 50)

    async def handler(ws: WebSocket) -> None:
        await ws.write_message("hi")
        while not ws.closed:
            if where == "thread":
                await asyncio.to_thread(write, ws)
            else:
                write(ws)
            most[0] = max(most[0], cork(ws).unsent)
            await asyncio.sleep(0)

    play(handler)
    with opened(live, PLAIN) as peer:
        eventually(lambda: f'"WebSocket {PLAIN}" 1013' in caplog.text)
        data = b""
        try:
            data = peer.read_to_end()
        except ConnectionResetError:
            data = peer.buffer
        whole = (b"\x81\x32" + b"x" * 50) * 3
        assert data.count(whole) > 10
    assert most[0] < 20_000
    assert connections[0].dropped > 0
    assert f"Closing slow client on {PLAIN}: more than 1000 bytes queued." in caplog.text


@pytest.mark.parametrize(
    "limit",
    [1000, 1024 * 1024],
)
def test_one_message_always_fits_an_empty_queue(
    live: LiveServer, settings: Any, limit: int
) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": limit}

    async def handler(ws: WebSocket) -> None:
        for _ in range(3):
            await ws.write_message(b"x" * 10_000_000)
        await asyncio.to_thread(ws.write_message, b"x" * 10_000_000)

    play(handler)
    with opened(live, PLAIN) as peer:
        for _ in range(4):
            assert len(peer.read_frame()[1]) == 10_000_000
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")


def test_awaited_writes_over_a_small_limit_wait(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 100, "CLOSE_TIMEOUT": 0.2}

    async def handler(ws: WebSocket) -> None:
        for _ in range(3):
            await ws.write_message("x" * 200)

    play(handler)
    with opened(live, PLAIN) as peer:
        for _ in range(3):
            assert peer.read_frame() == (TEXT, b"x" * 200)


@pytest.mark.parametrize("size", [50, 25_000])
def test_who_awaits_writes_is_never_too_much(live: LiveServer, settings: Any, size: int) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 20_000}
    waits = threading.Event()

    async def handler(ws: WebSocket) -> None:
        while not waits.is_set():
            await ws.write_message(b"x" * size)
        await ws.write_message(b"last")

    play(handler)
    with opened(live, PLAIN) as peer:
        eventually(lambda: connections and cork(connections[0]).pause is not None)
        waits.set()
        while (message := peer.read_frame()) != (BINARY, b"last"):
            assert message == (BINARY, b"x" * size)


def test_pongs_to_a_client_that_does_not_read_are_bounded(live: LiveServer, settings: Any) -> None:
    """It sends Pings without end and reads none of their answers."""
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 100_000, "CLOSE_TIMEOUT": 0.2}
    play(echo)
    with opened(live, PLAIN) as peer:
        try:
            send_until_full(peer, frame(PING, b"x" * 125) * 400_000)
        except (ConnectionResetError, BrokenPipeError):
            return
        assert cork(connections[0]).unsent < 10_000_000


# Compression, end to end


def test_compressed_messages_to_a_handler_that_does_not_read_are_bounded(
    live: LiveServer, settings: Any
) -> None:
    """64 KiB, which is one read, hold 60 messages of a MiB."""
    settings.C10KWS = {"PING_INTERVAL": None, "MAX_QUEUE_BYTES": 1_000_000}
    reader = Reader()
    play(reader)
    data = frame(0x40 | BINARY, deflated(bytes(1024 * 1024)))
    with opened_with(live, COMPRESSED, OFFER) as peer:
        small_buffers(peer)
        sending = threading.Thread(target=peer.socket.sendall, args=[data * 200])
        sending.start()
        eventually(lambda: connections and inbox(connections[0]).paused)
        held = sum(map(len, inbox(connections[0]).messages))
        reader.start(live)
        sending.join(WAIT)
        peer.socket.sendall(frame(TEXT, b"count"))
        assert peer.read_frame() == (TEXT, b"200")
    assert held < 10_000_000
