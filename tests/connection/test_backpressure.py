"""Clients that read slowly: what is written to them waits, and healthy ones keep their connection.

Each kind of transport is tried: that of the server, its TLS transport, asyncio's and uvloop's.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from c10kws import ConnectionClosed, WebSocket, broadcast
from c10kws.connection.websocket import connection_of
from tests.project.frames_views import connections, play
from tests.support.connections import cork, paused, queued
from tests.support.frames import BINARY, CLOSE, END, FIN, PING, PONG, TEXT, close_frame, frame
from tests.support.parts import Gate
from tests.support.peers import Peer, opened, opened_with, read_raw
from tests.support.servers import LiveServer
from tests.support.slowpeers import MIB, Dial, stay, write_and_stay
from tests.support.waiting import WAIT, eventually

PLAIN = "/ws/frames/plain/"

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    """Frames are counted here: leave the Pings out."""
    settings.C10KWS = {"PING_INTERVAL": None}


def latest_pong(ws: WebSocket) -> bytes | None:
    """Return the Pong that waits until the client reads."""
    pause = cork(ws).pause
    return None if pause is None else pause.pong


# Pongs


@pytest.mark.parametrize("size", [2 * MIB, 8 * MIB])
def test_a_ping_while_a_large_message_is_in_flight_is_answered_behind_it(
    dial: Dial, size: int
) -> None:
    async def handler(ws: WebSocket) -> None:
        ws.write_message(bytes(size))
        async for message in ws:
            await ws.write_message(message)

    play(handler)
    with dial() as peer:
        eventually(lambda: connections and connections[0].sent)
        for number in range(50):
            peer.socket.sendall(frame(PING, b"%d" % number))
        peer.socket.sendall(frame(TEXT, b"after"))
        assert peer.read_frame() == (BINARY, bytes(size))
        seen = [peer.read_frame()]
        while seen[-1][0] == PONG:
            seen.append(peer.read_frame())
        assert seen[-2:] == [(PONG, b"49"), (TEXT, b"after")]
        peer.socket.sendall(close_frame(1000))
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")


def test_the_latest_ping_before_our_close_is_answered(dial: Dial) -> None:
    """RFC 6455 §5.5.2: a Pong is due until a Close was received."""
    done = asyncio.Event()

    async def handler(ws: WebSocket) -> None:
        ws.write_message(bytes(8 * MIB))
        await done.wait()

    play(handler)
    with dial() as peer:
        eventually(lambda: connections and connections[0].sent)
        peer.socket.sendall(frame(PING, b"one") + frame(PING, b"two"))
        loop = connection_of(connections[0]).loop_state.loop
        eventually(lambda: latest_pong(connections[0]))
        loop.call_soon_threadsafe(done.set)
        assert peer.read_frame() == (BINARY, bytes(8 * MIB))
        assert peer.read_frame() == (PONG, b"two")
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")


def test_pings_of_a_client_that_never_reads_cost_one_pong(dial: Dial) -> None:
    play(stay)
    with dial() as peer:
        eventually(lambda: connections)
        ws = connections[0]
        ws.write_message(bytes(8 * MIB))
        eventually(lambda: paused(ws))
        before = queued(ws)
        for number in range(2000):
            peer.socket.sendall(frame(PING, b"%0125d" % number))
        eventually(lambda: (latest_pong(ws) or b"").endswith(b"1999"))
        assert queued(ws) <= before
        assert not ws.closed


def test_a_client_with_a_keepalive_of_its_own_gets_a_long_message(live: LiveServer) -> None:
    """The ``websockets`` library sends Pings while the message is on its way."""

    async def handler(ws: WebSocket) -> None:
        ws.write_message(bytes(24 * MIB))
        await stay(ws)

    play(handler)
    with live.connect(PLAIN, max_size=None, ping_interval=0.001, ping_timeout=WAIT) as client:
        assert len(client.recv(WAIT)) == 24 * MIB
        client.send("still open")
        eventually(lambda: connections[0].received == 1)


# Awaited writes


@pytest.mark.parametrize("form", ["await", "wait_for", "gather"])
def test_tasks_that_await_their_writes_do_not_harm_one_another(dial: Dial, form: str) -> None:
    """Some send messages far over MAX_QUEUE_BYTES, one sends a tick now and then."""
    large, count, ticks = 3 * MIB, 2, 5

    async def write(ws: WebSocket, data: Any) -> None:
        if form == "await":
            await ws.write_message(data)
        elif form == "wait_for":
            await asyncio.wait_for(ws.write_message(data), WAIT)
        else:
            await asyncio.gather(ws.write_message(data))

    async def send_large(ws: WebSocket) -> None:
        for _ in range(count):
            await write(ws, bytes(large))

    async def tick(ws: WebSocket) -> None:
        for number in range(ticks):
            await write(ws, str(number))
            await asyncio.sleep(0.01)

    async def handler(ws: WebSocket) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(send_large(ws))
            group.create_task(tick(ws))

    play(handler)
    with dial() as peer:
        frames = [peer.read_frame() for _ in range(3 * count + ticks)]
        assert [data for opcode, data in frames if opcode == TEXT] == [
            b"%d" % number for number in range(ticks)
        ]
        assert sum(len(data) for _, data in frames) == 3 * count * large + ticks
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")


def test_what_is_queued_behind_an_oversized_message_counts_and_not_the_message(
    dial: Dial, settings: Any
) -> None:
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 200_000}

    async def handler(ws: WebSocket) -> None:
        await ws.read_message()
        ws.write_message(bytes(8 * MIB))
        for number in range(100):
            await asyncio.sleep(0)
            ws.write_message(f"{number:01000d}")
        await ws.read_message()

    play(handler)
    with dial() as peer:
        peer.socket.sendall(frame(TEXT, b"go"))
        eventually(lambda: connections and queued(connections[0]) > 100_000)
        assert peer.read_frame() == (BINARY, bytes(8 * MIB))
        assert [int(peer.read_frame()[1]) for _ in range(100)] == list(range(100))


def test_a_writer_that_awaits_nothing_is_bounded(dial: Dial, settings: Any) -> None:
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 200_000}
    most = 0

    async def handler(ws: WebSocket) -> None:
        nonlocal most
        ws.write_message(bytes(8 * MIB))
        while not ws.closed:
            ws.write_message(bytes(10_000))
            most = max(most, queued(ws))
            await asyncio.sleep(0)
        await ws.wait_closed()

    play(handler)
    with dial():
        eventually(lambda: connections and connections[0].close_code == 1013)
    assert most < 8 * MIB + 300_000


def test_a_write_that_is_awaited_no_longer_counts_again(dial: Dial, settings: Any) -> None:
    """Tasks that give up must not make the queue unbounded."""
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 200_000}
    tries = 0

    async def handler(ws: WebSocket) -> None:
        nonlocal tries
        ws.write_message(bytes(8 * MIB))
        while not ws.closed:
            tries += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(ws.write_message(bytes(50_000)), 0.01)
        await ws.wait_closed()

    play(handler)
    with dial():
        eventually(lambda: connections and connections[0].close_code == 1013)
    assert tries < 20


@pytest.mark.parametrize(
    ("end", "code"),
    [(close_frame(3000), 3000), (frame(3), 1002), (frame(TEXT, b"\xff"), 1007)],
)
def test_messages_before_the_end_reach_a_client_that_reads_slowly(
    dial: Dial, end: bytes, code: int
) -> None:
    """They wait behind a large one when the client ends the connection, or breaks the protocol."""
    play(write_and_stay)
    with dial() as peer:
        eventually(lambda: connections and queued(connections[0]) > 8 * MIB // 2)
        peer.socket.sendall(end)
        assert len(peer.read_frame()[1]) == 8 * MIB
        assert peer.read_frame() == (TEXT, b"behind")
        assert peer.read_frame() == (TEXT, b"x" * 1000)
        opcode, payload = peer.read_frame()
        assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, code)


@pytest.mark.parametrize("lane", [True, False])
@pytest.mark.parametrize("path", [PLAIN, "/ws/frames/compressed/"])
@pytest.mark.parametrize("end", [close_frame(3000), frame(TEXT, b"\xff"), frame(3)])
def test_they_are_framed_as_agreed(
    live: LiveServer, settings: Any, lane: bool, path: str, end: bytes
) -> None:
    """Without the lane, and compressed, other code frames them."""
    settings.C10KWS |= {"FAST_LANE": lane}
    play(write_and_stay)
    with opened_with(live, path, "Sec-WebSocket-Extensions: permessage-deflate") as peer:
        eventually(lambda: connections and queued(connections[0]) > MIB)
        peer.socket.sendall(end)
        assert len(read_raw(peer)[1]) >= 8 * MIB
        assert read_raw(peer) == (FIN | TEXT, b"behind")
        first, payload = read_raw(peer)
        assert first == FIN | TEXT | (0x40 if path != PLAIN else 0)
        if path != PLAIN:
            assert len(payload) < 100
        assert read_raw(peer)[0] == FIN | CLOSE


def test_tasks_that_wait_learn_of_the_end(dial: Dial) -> None:
    ends: list[BaseException] = []

    async def handler(ws: WebSocket) -> None:
        writes = [ws.write_message(bytes(8 * MIB)) for _ in range(3)]
        ends.extend(await asyncio.gather(*writes, return_exceptions=True))  # type: ignore[arg-type]

    play(handler)
    with dial() as peer:
        eventually(lambda: connections and queued(connections[0]) > 8 * MIB)
        peer.socket.close()
        eventually(lambda: len(ends) == 3)
    assert {type(end) for end in ends} == {ConnectionClosed}


# Behind a message in fragments


def test_awaited_writes_behind_a_stream_wait_and_do_not_count(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        gate = Gate()
        ws.write_message(gate.parts("a", "b"))
        async with asyncio.TaskGroup() as group:
            for size in (3 * MIB, 3 * MIB, 10):
                group.create_task(write(ws, bytes(size)))
            await asyncio.sleep(0)
            ws.write_message("tick")
            await gate.open_by(ws)

    async def write(ws: WebSocket, data: bytes) -> None:
        await ws.write_message(data)

    play(handler)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(frame(TEXT, b"go"))
        frames = [read_raw(peer) for _ in range(7)]
    assert [len(payload) for _, payload in frames[3:]] == [3 * MIB, 3 * MIB, 10, 4]


def test_a_pong_goes_between_the_fragments_of_a_client_that_reads_slowly(dial: Dial) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(MIB)

    async def handler(ws: WebSocket) -> None:
        await ws.write_message(parts())

    play(handler)
    with dial() as peer:
        eventually(lambda: connections and paused(connections[0]))
        for number in range(20):
            peer.socket.sendall(frame(PING, b"%d" % number))
        eventually(lambda: latest_pong(connections[0]))
        frames = [read_raw(peer)]
        while frames[-1] != END:
            frames.append(read_raw(peer))
    pongs = [index for index, (first, _) in enumerate(frames) if first == FIN | PONG]
    assert frames[pongs[-1]] == (FIN | PONG, b"19")
    assert pongs[-1] < len(frames) - 2
    assert len(frames) - len(pongs) == 9


# All of it together


class Writers:
    """Tasks of one connection that write in every way; each message has its writer and number."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.asked = 0

    async def __call__(self, ws: WebSocket) -> None:
        async with asyncio.TaskGroup() as group:
            for writer in (self.one, self.two, self.tick, self.cast, self.thread, self.stream):
                group.create_task(writer(ws))

    def text(self, name: str, number: int, size: int) -> str:
        self.asked += 1
        return f"{name}:{number}:{'x' * size}"

    async def one(self, ws: WebSocket, name: str = "one") -> None:
        for number in range(20):
            size = self.random.choice([10, 1000, 200_000, 800_000])
            await ws.write_message(self.text(name, number, size))

    async def two(self, ws: WebSocket) -> None:
        await self.one(ws, "two")

    async def tick(self, ws: WebSocket) -> None:
        for number in range(30):
            ws.write_message(self.text("tick", number, 0))
            await asyncio.sleep(0.003)

    async def cast(self, ws: WebSocket) -> None:
        for number in range(30):
            broadcast([ws], self.text("cast", number, 3000))
            await asyncio.sleep(0.002)

    async def thread(self, ws: WebSocket) -> None:
        for number in range(20):
            await asyncio.to_thread(ws.write_message, self.text("thread", number, 500))

    async def stream(self, ws: WebSocket) -> None:
        async def parts(number: int) -> AsyncIterator[str]:
            yield self.text("stream", number, 0)
            for _ in range(5):
                await asyncio.sleep(0.001)
                yield "x" * 50_000

        for number in range(3):
            await ws.write_message(parts(number))
            await asyncio.sleep(0.01)


def read_messages(peer: Peer) -> tuple[list[bytes], list[int], int]:
    """Send a Ping now and then; return what all messages begin with, the Pongs and the code."""
    messages: list[bytes] = []
    pongs: list[int] = []
    whole = True
    for number in itertools.count():
        if number % 3 == 0:
            peer.socket.sendall(frame(PING, b"%d" % number))
        first, payload = read_raw(peer)
        if first == FIN | CLOSE:
            return messages, pongs, int.from_bytes(payload[:2], "big")
        if first == FIN | PONG:
            pongs.append(int(payload))
            continue
        assert whole == bool(first & 0x0F), "a message within another"
        if whole:
            messages.append(payload[:20])
        whole = bool(first & FIN)
    raise AssertionError


@pytest.mark.parametrize("policy", ["disconnect", "drop"])
def test_writers_of_all_kinds_keep_their_order_and_lose_nothing(
    dial: Dial, settings: Any, policy: str
) -> None:
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 300_000, "SLOW_CLIENT": policy}
    writers = Writers(seed=len(policy))
    play(writers)
    with dial() as peer:
        messages, pongs, code = read_messages(peer)
    assert code == 1000
    assert pongs == sorted(set(pongs))
    seen: dict[bytes, list[int]] = {}
    for message in messages:
        name, number, _ = message.split(b":", 2)
        seen.setdefault(name, []).append(int(number))
    assert all(numbers == sorted(set(numbers)) for numbers in seen.values())
    assert connections[0].sent == len(messages)
    assert connections[0].sent + connections[0].dropped == writers.asked
    assert policy == "drop" or not connections[0].dropped
