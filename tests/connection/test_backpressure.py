"""Clients that read slowly: what is written to them waits, and healthy ones keep their connection.

Each kind of transport is tried: that of the server, its TLS transport, asyncio's and uvloop's.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
import trustme

from c10kws import ConnectionClosed, WebSocket, broadcast
from c10kws.connection import slow_clients
from c10kws.connection.total_queue import total_queue
from c10kws.connection.websocket import connection_of
from c10kws_tornado.raw import transports
from tests.differences import asyncio_pauses_writers
from tests.project.frames_views import connections, play
from tests.support.connections import cork, paused, queued
from tests.support.frames import BINARY, CLOSE, END, FIN, PING, PONG, TEXT, close_frame, frame
from tests.support.parts import Gate
from tests.support.peers import Peer, handshake, opened, opened_with, read_raw
from tests.support.servers import LiveServer
from tests.support.tlssockets import client_context
from tests.support.waiting import WAIT, eventually

PLAIN = "/ws/frames/plain/"
MIB = 1024 * 1024
Dial = Callable[..., Any]


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    """Frames are counted here: leave the Pings out."""
    settings.C10KWS = {"PING_INTERVAL": None}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """The bytes queued in the process are counted exactly."""
    yield
    eventually(lambda: total_queue.size == 0)


def latest_pong(ws: WebSocket) -> bytes | None:
    """Return the Pong that waits until the client reads."""
    pause = cork(ws).pause
    return None if pause is None else pause.pong


@contextmanager
def slow_peer(live: LiveServer, authority: trustme.CA | None = None) -> Iterator[Peer]:
    """Open a connection whose client has small buffers."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        connection.settimeout(WAIT)
        connection.connect(("127.0.0.1", live.port))
        if authority is not None:
            context = client_context(authority)
            connection = context.wrap_socket(connection, server_hostname="localhost")
        connection.sendall(handshake(PLAIN))
        peer = Peer(connection)
        assert peer.read_head().startswith(b"HTTP/1.1 101 ")
        yield peer
        connection.close()


@pytest.fixture(params=["own", "tls", "asyncio", "uvloop"])
def dial(
    request: pytest.FixtureRequest,
    make_live: Callable[..., LiveServer],
    monkeypatch: pytest.MonkeyPatch,
) -> Dial:
    """Start a server whose connections have one kind of transport; return what connects to it."""
    if request.param == "tls":
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        live = make_live(ssl_context=context)
        return lambda: slow_peer(live, authority)
    if request.param == "asyncio":
        monkeypatch.setattr(transports, "BaseSelectorEventLoop", type("OtherLoop", (), {}))
    elif request.param == "uvloop":
        uvloop = pytest.importorskip("uvloop", reason="for uvloop: pip install c10kws[uvloop]")
        live = make_live(loop_factory=uvloop.new_event_loop)
        return lambda: slow_peer(live)
    live = make_live()
    return lambda: slow_peer(live)


async def stay(ws: WebSocket) -> None:
    async for _ in ws:
        pass


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


async def write_and_stay(ws: WebSocket) -> None:
    ws.write_message(os.urandom(8 * MIB))
    ws.write_message("behind")
    ws.write_message("x" * 1000)
    await stay(ws)


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


# All queues of the process


def open_slow_peers(dial: Dial, stack: ExitStack, count: int) -> list[Peer]:
    peers = []
    for number in range(count):
        peers.append(stack.enter_context(dial()))
        eventually(lambda number=number: len(connections) > number)  # type: ignore[misc]
    return peers


def on_loop(function: Callable[..., Any], *arguments: Any) -> Any:
    async def call() -> Any:
        return function(*arguments)

    loop = connection_of(connections[0]).loop_state.loop
    return asyncio.run_coroutine_threadsafe(call(), loop).result(WAIT)


@pytest.mark.parametrize("where", ["loop", "thread"])
def test_a_broadcast_counts_once_for_all_slow_clients(
    dial: Dial, settings: Any, where: str
) -> None:
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 16 * MIB, "MAX_TOTAL_QUEUE_BYTES": 16 * MIB}
    settings.C10KWS |= {"FAST_LANE": True}  # wsproto makes a frame for each connection

    def cast() -> None:
        for _ in range(3):
            broadcast(connections, bytes(5 * MIB))

    play(stay)
    with ExitStack() as stack:
        peers = open_slow_peers(dial, stack, 5)
        if where == "loop":
            on_loop(cast)
        else:
            cast()
        eventually(lambda: all(paused(ws) for ws in connections))
        assert 5 * MIB < total_queue.size < 16 * MIB
        assert [ws.closed for ws in connections] == [False] * 5
        for peer in peers:
            assert [len(peer.read_frame()[1]) for _ in range(3)] == [5 * MIB] * 3


@pytest.mark.parametrize("where", ["loop", "thread"])
def test_the_longest_queues_are_closed_when_all_are_too_long(
    dial: Dial,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    where: str,
) -> None:
    if "asyncio" in request.node.name and not asyncio_pauses_writers:
        pytest.skip("asyncio of this Python does not pause writers after writelines()")
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 64 * MIB, "MAX_TOTAL_QUEUE_BYTES": 28 * MIB}
    sizes = [9, 8, 24, 8]  # the kernel takes some of it

    def write(large: bool) -> None:
        for ws, size in zip(connections, sizes, strict=True):
            if large:
                ws.write_message(bytes(8 * MIB))
            else:
                for _ in range(size - 8):
                    ws.write_message(bytes(MIB))

    play(stay)
    with ExitStack() as stack:
        peers = open_slow_peers(dial, stack, 4)
        on_loop(write, True)
        if where == "loop":
            on_loop(write, False)
        else:
            write(False)
        eventually(lambda: connections[2].close_code == 1013)
        assert [ws.closed for ws in connections] == [False, False, True, False]
        assert connections[2].dropped > 0
        assert "more than 29360128 bytes queued for all clients" in caplog.text
        for peer, size in zip(peers, sizes, strict=True):
            if size < 24:
                assert len(peer.read_frame()[1]) == 8 * MIB


@pytest.mark.parametrize("end", ["stays", "returns", "overflows"])
def test_what_connections_that_are_closing_have_unsent_counts_too(
    dial: Dial, settings: Any, end: str
) -> None:
    """Unsent data stays in memory up to CLOSE_TIMEOUT, while new clients need as much."""
    settings.C10KWS |= {"MAX_TOTAL_QUEUE_BYTES": 20 * MIB, "CLOSE_TIMEOUT": 10 * WAIT}

    async def handler(ws: WebSocket) -> None:
        ws.write_message(bytes(8 * MIB))
        if end == "overflows":
            for _ in range(3):
                ws.write_message(bytes(MIB))
        if end != "returns":
            await stay(ws)

    def unsent() -> int:
        return sum(cork(ws).unsent for ws in connections)

    play(handler)
    with ExitStack() as stack:
        for number in range(6):
            stack.enter_context(dial())
            eventually(lambda: len(connections) > number and connections[number].sent)  # noqa: B023
            eventually(lambda: on_loop(unsent) < 21 * MIB)
        assert total_queue.size <= 20 * MIB
        assert any(connection_of(ws).sender.detached for ws in connections)


def test_a_client_that_has_just_come_is_not_the_slow_one(dial: Dial, settings: Any) -> None:
    """The first writes of a handler wait for the transport, not for the client."""
    settings.C10KWS |= {"MAX_TOTAL_QUEUE_BYTES": 12 * MIB, "CLOSE_TIMEOUT": WAIT}
    play(write_and_stay)
    with dial(), ExitStack() as stack:
        eventually(lambda: connections and queued(connections[0]) > MIB)
        peer = stack.enter_context(dial())
        assert len(peer.read_frame()[1]) == 8 * MIB
        assert peer.read_frame() == (TEXT, b"behind")
        assert [ws.close_code for ws in connections] == [1013, None]


def test_many_slow_clients_cost_few_lines(
    live: LiveServer,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_clients, "LOG_INTERVAL", 0.3)
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 200_000}
    play(stay)

    def cast() -> None:
        while not connections[-1].closed:
            broadcast(connections, bytes(100_000))

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "c10kws"]

    with ExitStack() as stack:
        open_slow_peers(lambda: slow_peer(live), stack, 20)
        on_loop(cast)
        eventually(lambda: len(lines()) == 2)
    assert lines() == [
        f"Closing slow client on {PLAIN}: more than 200000 bytes queued.",
        "Closed 19 more slow clients.",
    ]


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
