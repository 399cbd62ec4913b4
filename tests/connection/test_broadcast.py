"""``broadcast`` to connections on real sockets, from their loop and from threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from c10kws import ConnectionClosed, WebSocket, broadcast
from c10kws.connection.broadcast import BroadcastResult
from c10kws.connection.loop import loop_state_of
from c10kws.connection.websocket import connection_of
from tests.project.frames_views import connections, play
from tests.support.connections import queued
from tests.support.frames import BINARY, CLOSE, CONTINUATION, END, FIN, TEXT, close_frame, frame
from tests.support.parts import Gate, each
from tests.support.peers import Peer, opened, read_all, read_raw
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

PLAIN = "/ws/frames/plain/"
Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    """Frames are counted here: leave the Pings out."""
    settings.C10KWS = {"PING_INTERVAL": None}


async def stay(ws: WebSocket) -> None:
    async for _ in ws:
        pass


def on_loop(live: LiveServer, function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function`` on the loop's thread and return what it returned."""

    async def call() -> Result:
        return function(*args)

    return asyncio.run_coroutine_threadsafe(call(), live.loop).result(WAIT)


def from_here(live: LiveServer, *args: Any) -> int:
    """Broadcast from the test's thread."""
    return broadcast(*args).result(WAIT)


def from_the_loop(live: LiveServer, *args: Any) -> int:
    result = on_loop(live, broadcast, *args)
    assert result.done()
    return result.result()


everywhere = pytest.mark.parametrize("cast", [from_here, from_the_loop])
Cast = Callable[..., int]


def open_peers(live: LiveServer, stack: ExitStack, count: int, path: str = PLAIN) -> list[Peer]:
    """Open so many, each after the handler of the one before it has started."""
    peers = []
    for _ in range(count):
        before = len(connections)
        peers.append(stack.enter_context(opened(live, path)))
        eventually(lambda before=before: len(connections) > before)  # type: ignore[misc]
    return peers


# Who gets what


@everywhere
@pytest.mark.parametrize(
    ("data", "opcode", "seen"),
    [
        ("né", None, (FIN | TEXT, "né".encode())),
        (b"\xff", None, (FIN | BINARY, b"\xff")),
        ("text", 2, (FIN | BINARY, b"text")),
        (b"bytes", 1, (FIN | TEXT, b"bytes")),
        (bytearray(b"array"), None, (FIN | BINARY, b"array")),
        ("", None, (FIN | TEXT, b"")),
        (b"x" * 70_000, None, (FIN | BINARY, b"x" * 70_000)),
    ],
)
def test_everybody_gets_the_message_and_the_count_says_so(
    live: LiveServer, cast: Cast, data: Any, opcode: int | None, seen: tuple[int, bytes]
) -> None:
    play(stay)
    with ExitStack() as stack:
        peers = open_peers(live, stack, 5)
        assert cast(live, connections, data, opcode) == 5
        for peer in peers:
            assert read_raw(peer) == seen
        assert [(ws.sent, ws.dropped) for ws in connections] == [(1, 0)] * 5


@everywhere
@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, iter, dict.fromkeys])
def test_any_iterable_will_do(live: LiveServer, cast: Cast, kind: Callable[..., Any]) -> None:
    play(stay)
    with ExitStack() as stack:
        peers = open_peers(live, stack, 3)
        assert cast(live, kind(connections), "hi") == 3
        for peer in peers:
            assert peer.read_frame() == (TEXT, b"hi")


@everywhere
def test_nobody_is_nobody(live: LiveServer, cast: Cast) -> None:
    assert cast(live, [], "hi") == 0
    assert cast(live, iter(()), b"hi") == 0


@everywhere
def test_wrong_data_is_refused_even_for_nobody(live: LiveServer, cast: Cast) -> None:
    play(stay)
    with ExitStack() as stack:
        open_peers(live, stack, 1)
        for nobody_or_one in ([], connections):
            with pytest.raises(TypeError, match="str or bytes"):
                cast(live, nobody_or_one, 1)
            with pytest.raises(TypeError, match="str or bytes"):
                cast(live, nobody_or_one, each(["part"]))
            with pytest.raises(ValueError, match="opcode"):
                cast(live, nobody_or_one, "x", 9)
            with pytest.raises(UnicodeError):
                cast(live, nobody_or_one, b"\xff", 1)
        assert (connections[0].sent, connections[0].dropped) == (0, 0)


@everywhere
def test_the_closed_do_not_count(live: LiveServer, cast: Cast) -> None:
    play(stay)
    with ExitStack() as stack:
        peers = open_peers(live, stack, 5)
        peers[0].socket.sendall(close_frame(1000))  # by the peer
        peers[1].socket.close()  # vanished
        connections[2].close(4000)  # by us, and not yet answered
        eventually(lambda: [ws.closed for ws in connections] == [True] * 3 + [False] * 2)
        assert cast(live, connections, "hi") == 2
        for peer in peers[3:]:
            assert peer.read_frame() == (TEXT, b"hi")
        assert peers[2].read_frame()[0] == CLOSE
        assert [ws.dropped for ws in connections] == [1, 1, 1, 0, 0]


def test_connections_of_two_loops_are_told_apart(
    make_live: Callable[..., LiveServer], settings: Any
) -> None:
    play(stay)
    with ExitStack() as stack:
        for live in (make_live(), make_live()):
            open_peers(live, stack, 1)
        with pytest.raises(ValueError, match="different event loops"):
            broadcast(connections, "hi")


def test_a_handler_may_broadcast(live: LiveServer) -> None:
    room: set[WebSocket] = set()

    async def chat(ws: WebSocket) -> None:
        room.add(ws)
        try:
            async for message in ws:
                broadcast(room, message)
        finally:
            room.discard(ws)

    play(chat)
    with ExitStack() as stack:
        peers = open_peers(live, stack, 3)
        for number in range(50):
            for peer in peers:
                peer.socket.sendall(frame(TEXT, b"%d" % number))
        seen = [[peer.read_frame()[1] for _ in range(150)] for peer in peers]
    assert seen[0] == seen[1] == seen[2]
    assert sorted(seen[0]) == sorted(b"%d" % number for number in range(50) for _ in peers)
    eventually(lambda: not room)


# Order


def write_and_cast(ws: WebSocket) -> None:
    for number in range(300):
        if number % 3:
            broadcast([ws], str(number))
        else:
            ws.write_message(str(number))


def test_order_with_other_writes_on_the_loop(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        write_and_cast(ws)  # the transport is still to come
        await ws.write_message("300")
        write_and_cast(ws)

    play(handler)
    with live.connect(PLAIN) as ws:
        assert list(ws) == [*map(str, range(301)), *map(str, range(300))]


def test_short_broadcasts_of_a_batch_leave_together(live: LiveServer) -> None:
    play(stay)
    corked = []

    def cast() -> None:
        loop_state = loop_state_of(asyncio.get_running_loop())
        loop_state.batch = True
        for data in ("one", "two", "x" * 2000, "three"):
            assert broadcast(connections, data).result() == 2
            corked.append(len(connection_of(next(iter(connections))).sender.cork.frames))
        loop_state.batch = False

    with ExitStack() as stack:
        peers = open_peers(live, stack, 2)
        on_loop(live, cast)
        for peer in peers:
            texts = [peer.read_frame()[1] for _ in range(4)]
            assert texts == [b"one", b"two", b"x" * 2000, b"three"]
    assert corked == [1, 2, 3, 4]


def test_order_with_other_writes_of_a_thread(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        await asyncio.to_thread(write_and_cast, ws)
        await asyncio.to_thread(ws.close)
        await ws.wait_closed()

    play(handler)
    with live.connect(PLAIN) as ws:
        assert list(ws) == [*map(str, range(300))]


def test_each_of_many_threads_keeps_its_order(live: LiveServer) -> None:
    def cast(name: str) -> None:
        for number in range(200):
            broadcast(connections, f"{name} {number}")

    play(stay)
    with ExitStack() as stack:
        peers = open_peers(live, stack, 3)
        threads = [threading.Thread(target=cast, args=[name]) for name in "abc"]
        for thread in threads:
            thread.start()
        for peer in peers:
            seen = [peer.read_frame()[1].decode() for _ in range(600)]
            for name in "abc":
                own = [text for text in seen if text.startswith(name)]
                assert own == [f"{name} {number}" for number in range(200)]
        for thread in threads:
            thread.join(WAIT)


@everywhere
def test_behind_a_fragmented_message_it_comes_later_and_in_order(
    live: LiveServer, cast: Cast
) -> None:
    async def handler(ws: WebSocket) -> None:
        if len(connections) == 1:
            gate = Gate()
            ws.write_message(gate.parts("a", "b"))
            ws.write_message("one")
            await gate.open_by(ws)
        await stay(ws)

    play(handler)
    with ExitStack() as stack:
        behind, free = open_peers(live, stack, 2)
        assert read_raw(behind) == (TEXT, b"a")
        assert cast(live, connections, "two") == 2
        connections[0].write_message("three")
        assert cast(live, connections, "four") == 2
        assert [free.read_frame()[1] for _ in range(2)] == [b"two", b"four"]
        behind.socket.sendall(frame(TEXT, b"go"))
        assert [read_raw(behind) for _ in range(2)] == [(CONTINUATION, b"b"), END]
        words = [behind.read_frame()[1] for _ in range(4)]
        assert words == [b"one", b"two", b"three", b"four"]


def test_a_connection_is_counted_once(live: LiveServer) -> None:
    counts: list[BroadcastResult] = []

    def write(ws: WebSocket) -> None:
        counts.append(broadcast([ws], "one"))
        ws.write_message(each(["two"]))
        ws.write_message("three")

    async def handler(ws: WebSocket) -> None:
        await ws.write_message("zero")
        thread = threading.Thread(target=write, args=[ws])
        thread.start()
        thread.join()  # the loop is kept from its turn
        await ws.read_message()

    play(handler)
    with opened(live, PLAIN) as peer:
        words = [read_raw(peer)[1] for _ in range(5)]
        assert words == [b"zero", b"one", b"two", b"", b"three"]
    assert counts[0].result(WAIT) == 1


def test_a_connection_that_has_just_ended_does_not_count(live: LiveServer) -> None:
    counts: list[Any] = []

    async def endless() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async def handler(ws: WebSocket) -> None:
        ws.write_message(endless())
        try:
            await ws.read_message()
        except ConnectionClosed:
            assert ws.closed
            counts.append(await broadcast([ws], "hi"))

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        peer.socket.sendall(close_frame(1000))
        eventually(lambda: counts)
    assert counts == [0]


def test_a_count_that_nobody_wants_any_more_is_no_error(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(ws: WebSocket) -> None:
        await ws.write_message("zero")
        thread = threading.Thread(target=cast, args=[ws])
        thread.start()
        thread.join()
        await ws.read_message()

    def cast(ws: WebSocket) -> None:
        with pytest.raises(TimeoutError):
            asyncio.run(give_up(ws))  # in a loop of its own: ours is kept from its turn

    async def give_up(ws: WebSocket) -> None:
        await asyncio.wait_for(_count(ws), 0.01)

    async def _count(ws: WebSocket) -> int:
        return await broadcast([ws], "one")

    play(handler)
    with opened(live, PLAIN) as peer:
        assert [peer.read_frame()[1] for _ in range(2)] == [b"zero", b"one"]
        peer.socket.sendall(frame(TEXT, b"go"))
        assert peer.read_frame()[0] == CLOSE
    assert not [record for record in caplog.records if record.name == "asyncio"]


# Slow clients


BIG = b"x" * 50_000
#: Settings with which a broadcast leaves out slow clients.
DROP = {"PING_INTERVAL": None, "SLOW_CLIENT": "drop"}


@contextmanager
def slow_and_reader(live: LiveServer) -> Iterator[tuple[Peer, list[str | bytes]]]:
    """Open a peer that does not read, then a client whose messages are collected."""
    messages: list[str | bytes] = []
    with ExitStack() as stack:
        (slow,) = open_peers(live, stack, 1)
        reader = stack.enter_context(live.connect(PLAIN))
        eventually(lambda: len(connections) == 2)
        thread = threading.Thread(target=lambda: messages.extend(reader))
        thread.start()
        yield slow, messages
        reader.close()
        thread.join(WAIT)


def cast_until_one_takes_it(live: LiveServer, cast: Cast) -> int:
    """Broadcast to two, one of whom does not read, until it took one less; return the rounds."""
    for rounds in range(1, 10_000):
        if cast(live, connections[:2], BIG) == 1:
            return rounds
    raise AssertionError("the slow one took everything")


@everywhere
def test_a_slow_client_is_closed_with_1013_and_aborted(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture, cast: Cast
) -> None:
    settings.C10KWS = {
        "PING_INTERVAL": None,
        "MAX_QUEUE_BYTES": 200_000,
        "CLOSE_TIMEOUT": 0.2,
    }
    caplog.set_level("INFO", "c10kws.access")
    play(stay)
    with slow_and_reader(live) as (slow, messages):
        rounds = cast_until_one_takes_it(live, cast)
        assert connections[0].close_code == 1013
        assert not connections[1].closed
        assert "Closing slow client" in caplog.text
        eventually(lambda: f'"WebSocket {PLAIN}" 1013' in caplog.text)  # nobody read to the end
        assert cast(live, connections, "last") == 1
        eventually(lambda: len(messages) == rounds + 1)
        with pytest.raises(ConnectionResetError):
            slow.read_to_end()
            raise ConnectionResetError  # a plain end of file is as good
        assert len(slow.buffer) < rounds * len(BIG)
    assert messages == [BIG] * rounds + ["last"]


@everywhere
def test_drop_leaves_the_message_out_and_keeps_the_client(
    live: LiveServer, settings: Any, cast: Cast
) -> None:
    settings.C10KWS = DROP | {"MAX_QUEUE_BYTES": 200_000}
    play(stay)
    with slow_and_reader(live) as (slow, _):
        rounds = cast_until_one_takes_it(live, cast)
        assert cast(live, connections, BIG) == 1
        assert [ws.dropped for ws in connections] == [2, 0]
        for _ in range(rounds - 1):
            assert slow.read_frame() == (BINARY, BIG)
        eventually(lambda: queued(connections[0]) == 0)
        assert [ws.sent for ws in connections] == [rounds - 1, rounds + 1]
        assert cast(live, connections, "again") == 2
        assert slow.read_frame() == (TEXT, b"again")


def test_a_message_of_its_own_closes_a_slow_client_all_the_same(
    live: LiveServer, settings: Any
) -> None:
    settings.C10KWS = DROP | {"MAX_QUEUE_BYTES": 200_000, "CLOSE_TIMEOUT": 0.2}
    play(stay)
    with ExitStack() as stack:
        open_peers(live, stack, 1)
        while from_here(live, connections, BIG):
            pass
        assert not connections[0].closed
        connections[0].write_message("own")
        eventually(lambda: connections[0].close_code == 1013)


@pytest.mark.parametrize("where", ["behind a stream", "thread"])
def test_drop_leaves_out_what_finds_the_outbox_full(
    live: LiveServer, settings: Any, where: str
) -> None:
    settings.C10KWS = DROP | {"MAX_QUEUE_BYTES": 1000, "CLOSE_TIMEOUT": 0.2}

    def cast(ws: WebSocket) -> None:
        for _ in range(10):
            broadcast([ws], "x" * 300)

    async def handler(ws: WebSocket) -> None:
        await ws.write_message("hi")
        gate = Gate()
        if where == "thread":
            thread = threading.Thread(target=cast, args=[ws])
            thread.start()
            thread.join()  # the loop is kept from its turn
        else:
            ws.write_message(gate.parts("a", "b"))
            cast(ws)
        await gate.open_by(ws)

    play(handler)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(frame(TEXT, b"go"))
        frames = read_all(peer)
    assert frames[-1] == (FIN | CLOSE, b"\x03\xe8")
    assert connections[0].dropped > 0


# Sets that change


def test_a_set_that_its_handlers_change_meanwhile(live: LiveServer, settings: Any) -> None:
    """A slow one's handler resumes inside the broadcast that closes it, and leaves the room."""
    settings.C10KWS = {
        "PING_INTERVAL": None,
        "MAX_QUEUE_BYTES": 200_000,
        "CLOSE_TIMEOUT": 0.2,
    }
    room: set[WebSocket] = set()
    done: Future[SimpleNamespace] = Future()

    async def handler(ws: WebSocket) -> None:
        room.add(ws)
        try:
            await stay(ws)
        finally:
            room.discard(ws)

    def cast() -> None:  # no task is running: handlers resume at once
        before = len(room)
        try:
            count = broadcast(room, BIG).result()
        except RuntimeError as error:
            done.set_exception(error)
        else:
            if len(room) == before:
                live.loop.call_later(0.01, cast)
            else:
                done.set_result(SimpleNamespace(count=count, before=before, after=len(room)))

    play(handler)
    with ExitStack() as stack:
        open_peers(live, stack, 20)
        eventually(lambda: len(room) == 20)
        live.loop.call_soon_threadsafe(cast)
        result = done.result(WAIT)
    assert result.after < result.before
    assert result.count == result.after


def test_connections_that_come_and_go_while_threads_broadcast(live: LiveServer) -> None:
    room: set[WebSocket] = set()
    errors: list[BaseException] = []
    stop = threading.Event()

    async def handler(ws: WebSocket) -> None:
        room.add(ws)
        try:
            await stay(ws)
        finally:
            room.discard(ws)

    def cast() -> None:
        try:
            while not stop.is_set():
                assert 0 <= broadcast(room, "hi").result(WAIT) <= 60
        except BaseException as error:
            errors.append(error)

    play(handler)
    threads = [threading.Thread(target=cast) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            with ExitStack() as stack:
                for peer in open_peers(live, stack, 20):
                    assert peer.read_frame() == (TEXT, b"hi")
    finally:
        stop.set()
        for thread in threads:
            thread.join(WAIT)
    assert errors == []
    eventually(lambda: not room)


# Compression


@everywhere
def test_connections_with_compression_get_it_too(live: LiveServer, cast: Cast) -> None:
    long = "lorem ipsum " * 500
    play(stay)
    with ExitStack() as stack:
        (plain,) = open_peers(live, stack, 1)
        compressed = [
            stack.enter_context(live.connect("/ws/frames/compressed/", compression="deflate"))
            for _ in range(2)
        ]
        eventually(lambda: len(connections) == 3)
        for data in (long, "short", long.encode(), long):
            assert cast(live, connections, data) == 3
            for client in compressed:
                assert client.recv(WAIT) == data
            assert plain.read_frame()[1] == (data if isinstance(data, bytes) else data.encode())
        assert [ws.sent for ws in connections] == [4] * 3
