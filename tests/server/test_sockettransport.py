"""``SocketTransport`` over real sockets, one turn of the loop at a time."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import select
import selectors
import socket
import struct
import weakref
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from c10kws_tornado.raw.pendingwrites import MAX_PIECES
from c10kws_tornado.raw.poller import Poller
from c10kws_tornado.raw.protocols import HIGH_WATER
from c10kws_tornado.raw.sockettransport import SocketTransport
from tests.support.waiting import WAIT

#: More than the kernel takes for a peer that does not read: see ``connect``.
LARGE = 1_000_000
LOST = ("lost", None)


def nothing(transport: SocketTransport) -> None:
    pass


class Events:
    """Records its calls; ``hooks`` of the same names, called with the transport, do more."""

    def __init__(self, **hooks: Callable[[SocketTransport], Any]) -> None:
        self.events: list[Any] = []
        self.hooks = hooks
        self.transport: Any = None

    def tell(self, name: str, event: Any = None) -> Any:
        self.events.append(event or name)
        return self.hooks.get(name, nothing)(self.transport)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.tell("made")

    def eof_received(self) -> bool | None:
        answer: bool | None = self.tell("eof")
        return answer

    def pause_writing(self) -> None:
        self.tell("pause")

    def resume_writing(self) -> None:
        self.tell("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.tell("lost", ("lost", exc))
        self.transport = None

    @property
    def data(self) -> bytes:
        return b"".join(each for each in self.events if isinstance(each, bytes))

    @property
    def calls(self) -> list[Any]:
        """All but the data."""
        return [each for each in self.events if not isinstance(each, bytes)]


class Plain(Events, asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        self.tell("data", bytes(data))


class Buffered(Events, asyncio.BufferedProtocol):
    def __init__(self, size: int = 1000, **hooks: Callable[[SocketTransport], Any]) -> None:
        super().__init__(**hooks)
        self.buffer = bytearray(size)

    def get_buffer(self, sizehint: int) -> bytearray:
        self.hooks.get("buffer", nothing)(self.transport)
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.tell("data", bytes(self.buffer[:nbytes]))


Protocol = Plain | Buffered


def lost_error(protocol: Protocol) -> Any:
    """Return the error of ``connection_lost``, the only call after ``connection_made``."""
    ((name, error),) = protocol.events[1:]
    assert name == "lost"
    return error


def connect(kind: str) -> tuple[socket.socket, socket.socket]:
    """Return two ends; the kernel holds little between them."""
    if kind == "pair":
        ours, peer = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            peer = socket.create_connection(listening.getsockname())
            ours, _ = listening.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    ours.setblocking(False)
    peer.setblocking(False)
    return ours, peer


class Line:
    """A transport, its protocol and the peer, on a loop that runs in ``until`` only."""

    def __init__(self, selector: selectors.BaseSelector, kind: str, *, polls: bool) -> None:
        self.selector = selector
        self.loop = asyncio.SelectorEventLoop(selector)
        self.poller = Poller(self.loop) if polls else None
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.socket, self.peer = connect(kind)
        self.buffer = bytearray()

    def make(self, protocol: Protocol) -> SocketTransport:
        readers = self.poller or self.loop
        transport = SocketTransport(self.loop, self.socket, protocol, readers)
        self.loop.call_soon(transport.begin)
        return transport

    def open(self, protocol: Protocol) -> SocketTransport:
        transport = self.make(protocol)
        self.until(lambda: "made" in protocol.events)
        return transport

    def until(self, condition: Callable[[], object]) -> None:
        async def wait() -> None:
            async with asyncio.timeout(WAIT):
                while not condition():
                    await asyncio.sleep(0)

        self.loop.run_until_complete(wait())

    def turn(self, count: int = 20) -> None:
        """Run the loop long enough for events that must not occur."""
        left = iter(range(count))
        self.until(lambda: next(left, None) is None)

    @property
    def watched(self) -> int:
        """The number of descriptors that are watched, without the loop's own and the poller."""
        watched = len(self.selector.get_map()) - 1
        return watched if self.poller is None else watched - 1 + self.poller.watched

    def receive(self, size: int = 65_536) -> bool:
        """Read the available data at the peer; True at the end.

        A reset is an end too: the kernel sends one for a socket that was closed with bytes unread.
        """
        try:
            data = self.peer.recv(size)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        self.buffer += data
        return not data

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes at the peer."""
        while len(self.buffer) < size:
            self.until(self.readable)
            assert not self.receive(), f"the transport closed after {len(self.buffer)} bytes"
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def readable(self) -> bool:
        return bool(select.select([self.peer], [], [], 0)[0])

    def read_to_end(self, step: int = 65_536) -> bytes:
        """Read at the peer up to the transport's end of file."""
        self.until(lambda: self.receive(step))
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def send(self, data: bytes) -> None:
        """Send ``data`` from the peer, and wait until it has arrived."""
        self.peer.sendall(data)
        assert select.select([self.socket], [], [], WAIT)[0]

    def fill(self, transport: SocketTransport, waiting: int) -> int:
        """Write until ``waiting`` bytes are queued in the transport; return the number written."""
        written = 0
        while (size := transport.get_write_buffer_size()) < waiting:
            piece = min(waiting - size, 4096)
            transport.write(b"x" * piece)
            written += piece
        assert transport.get_write_buffer_size() == waiting
        return written

    def reset(self) -> None:
        """Reset the connection from the peer."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def close(self) -> None:
        self.turn(3)
        if self.poller is not None:
            self.poller.close()
        self.loop.close()
        self.socket.close()
        self.peer.close()


POLLS = ["poller tcp"] if hasattr(select, "epoll") else []


@pytest.fixture(params=["default tcp", "default pair", "select tcp", *POLLS])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    name, kind = request.param.split()
    default = selectors.DefaultSelector  # epoll or kqueue
    selector = selectors.SelectSelector() if name == "select" else default()
    line = Line(selector, kind, polls=name == "poller")
    yield line
    line.close()
    assert line.errors == []


only_tcp = pytest.mark.parametrize("line", ["default tcp", "select tcp", *POLLS], indirect=True)
both_kinds = pytest.mark.parametrize("kind", [Plain, Buffered])


# The beginning


def test_connection_made_comes_later_and_only_once(line: Line) -> None:
    protocol = Plain()
    transport = line.make(protocol)
    assert protocol.events == []
    line.turn()
    assert protocol.events == ["made"]
    assert protocol.transport is transport
    assert transport.is_reading() and not transport.is_closing()


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_transport_that_is_ended_before_it_began_still_says_both(line: Line, method: str) -> None:
    protocol = Plain()
    getattr(line.make(protocol), method)()
    line.send(b"late")
    line.turn()
    assert protocol.events == ["made", LOST]
    assert line.watched == 0


@pytest.mark.parametrize("method", ["close", "abort"])
def test_connection_made_may_end_the_connection(line: Line, method: str) -> None:
    protocol = Plain(made=lambda transport: getattr(transport, method)())
    line.send(b"late")
    line.open(protocol)
    line.turn()
    assert protocol.events == ["made", LOST]


def test_connection_made_may_write(line: Line) -> None:
    line.open(Plain(made=lambda transport: transport.write(b"welcome")))
    assert line.read(7) == b"welcome"


def test_connection_made_that_raises_does_not_leave_the_peer_waiting(line: Line) -> None:
    def fail(transport: SocketTransport) -> None:
        raise LookupError("made")

    protocol = Plain(made=fail)
    line.send(b"hello")
    line.open(protocol)
    line.turn()
    (context,) = line.errors
    line.errors.clear()
    assert isinstance(context["exception"], LookupError)
    assert protocol.events[1:] in ([b"hello"], [("lost", context["exception"])])


# Reading


@both_kinds
def test_what_the_peer_sends_is_delivered(line: Line, kind: type[Protocol]) -> None:
    protocol = kind()
    line.open(protocol)
    line.send(b"one")
    line.until(lambda: protocol.data == b"one")
    line.send(b"two")
    line.until(lambda: protocol.data == b"onetwo")
    line.send(b"x" * 5000)
    line.until(lambda: protocol.data == b"onetwo" + b"x" * 5000)
    assert protocol.calls == ["made"]


def test_a_small_buffer_is_filled_again_and_again(line: Line) -> None:
    protocol = Buffered(4)
    line.open(protocol)
    line.send(b"0123456789")
    line.until(lambda: len(protocol.data) == 10)
    assert protocol.events == ["made", b"0123", b"4567", b"89"]


@both_kinds
def test_a_long_stream_goes_through_an_echo(line: Line, kind: type[Protocol]) -> None:
    """Both directions at the same time, in steps of all sizes."""
    numbers = random.Random(7)
    data = numbers.randbytes(100_000)
    protocol = kind()
    protocol.hooks["data"] = lambda transport: transport.write(protocol.events[-1])
    line.open(protocol)
    sent = 0

    def exchange() -> bool:
        nonlocal sent
        with suppress(BlockingIOError):
            sent += line.peer.send(data[sent : sent + numbers.randrange(1, 20_000)])
        line.receive(numbers.randrange(1, 20_000))
        return len(line.buffer) == len(data)

    line.until(exchange)
    assert line.buffer == data


@pytest.mark.parametrize(("first", "then"), [(Plain, Buffered), (Buffered, Plain)])
def test_a_protocol_of_the_other_kind_may_take_over(
    line: Line, first: type[Protocol], then: type[Protocol]
) -> None:
    one, other = first(), then()
    transport = line.open(one)
    line.send(b"one")
    line.until(lambda: one.data)
    transport.set_protocol(other)
    assert transport.get_protocol() is other
    line.send(b"two")
    line.until(lambda: other.data)
    line.peer.close()
    line.until(lambda: LOST in other.events)
    assert one.events == ["made", b"one"]
    assert other.events == [b"two", "eof", LOST]


@both_kinds
def test_another_protocol_may_take_over_from_within_connection_made(
    line: Line, kind: type[Protocol]
) -> None:
    other = kind()
    line.open(Plain(made=lambda transport: transport.set_protocol(other)))
    line.send(b"hello")
    line.until(lambda: other.data)
    assert other.events == [b"hello"]


def test_another_protocol_takes_over_what_is_paused_and_gets_nothing_yet(line: Line) -> None:
    one, other = Plain(), Buffered()
    transport = line.open(one)
    transport.pause_reading()
    transport.set_protocol(other)
    line.send(b"hello")
    line.turn()
    assert other.events == []
    transport.resume_reading()
    line.until(lambda: other.data)
    assert (one.events, other.events) == (["made"], [b"hello"])


def test_a_paused_transport_delivers_nothing(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    for _ in range(2):
        transport.pause_reading()
        assert not transport.is_reading()
    line.send(b"one")
    line.turn()
    assert protocol.events == ["made"]
    for _ in range(2):
        transport.resume_reading()
        assert transport.is_reading()
    line.until(lambda: protocol.data)
    line.send(b"two")
    line.until(lambda: protocol.data == b"onetwo")


@pytest.mark.parametrize("name", ["made", "data"])
def test_a_protocol_may_pause_from_within_a_call(line: Line, name: str) -> None:
    protocol = Buffered(3, **{name: lambda transport: transport.pause_reading()})
    line.send(b"onetwo")
    transport = line.open(protocol)
    line.until(lambda: not transport.is_reading())
    line.turn()
    assert protocol.data == (b"" if name == "made" else b"one")
    protocol.hooks.clear()
    transport.resume_reading()
    line.until(lambda: protocol.data == b"onetwo")


def test_the_end_of_a_peer_waits_behind_a_pause(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.pause_reading()
    line.send(b"last")
    line.peer.close()
    line.turn()
    assert protocol.events == ["made"]
    transport.resume_reading()
    line.until(lambda: LOST in protocol.events)
    assert protocol.events == ["made", b"last", "eof", LOST]


def test_nothing_can_be_paused_or_resumed_after_close(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    line.fill(transport, 1000)
    transport.close()
    line.send(b"late")
    transport.pause_reading()
    transport.resume_reading()
    assert not transport.is_reading()
    line.turn()
    assert protocol.data == b""
    line.until(lambda: line.receive() or LOST in protocol.events)
    transport.resume_reading()
    transport.set_protocol(Buffered())
    assert line.watched == 0


# The peer's end


@both_kinds
def test_the_transport_closes_when_the_peer_does(line: Line, kind: type[Protocol]) -> None:
    protocol = kind()
    transport = line.open(protocol)
    line.send(b"last")
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: protocol.events[-1] == LOST)
    line.turn()
    assert protocol.events == ["made", b"last", "eof", LOST]
    assert transport.is_closing() and not transport.is_reading()
    assert line.read_to_end() == b""


def test_what_is_unsent_at_the_peers_end_of_file_still_goes_out(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: "eof" in protocol.events)
    assert transport.is_closing()
    assert line.read_to_end() == b"x" * LARGE
    line.until(lambda: LOST in protocol.events)


@both_kinds
def test_a_protocol_may_keep_its_half_open(line: Line, kind: type[Protocol]) -> None:
    protocol = kind(eof=lambda transport: True)
    transport = line.open(protocol)
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: "eof" in protocol.events)
    line.turn()
    assert not transport.is_closing()
    transport.write(b"still here")
    assert line.read(10) == b"still here"
    transport.close()
    assert line.read_to_end() == b""
    line.until(lambda: LOST in protocol.events)
    assert protocol.calls == ["made", "eof", LOST]


@pytest.mark.parametrize("method", ["close", "abort", "pause_reading"])
def test_eof_received_may_act_on_the_transport(line: Line, method: str) -> None:
    protocol = Plain(eof=lambda transport: getattr(transport, method)())
    line.open(protocol)
    line.peer.shutdown(socket.SHUT_WR)
    line.until(lambda: LOST in protocol.events)
    line.turn()
    assert protocol.calls == ["made", "eof", LOST]
    assert line.watched == 0


@only_tcp
@both_kinds
def test_a_reset_is_told_with_its_error(line: Line, kind: type[Protocol]) -> None:
    protocol = kind()
    line.open(protocol)
    line.reset()
    line.until(lambda: len(protocol.events) > 1)
    line.turn()
    assert isinstance(lost_error(protocol), ConnectionResetError)


@only_tcp
def test_a_reset_while_bytes_wait_is_told_once(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.pause_reading()  # writing alone finds out
    line.fill(transport, 1000)
    line.reset()
    line.until(lambda: transport.is_closing())
    line.turn()
    assert isinstance(lost_error(protocol), OSError)
    assert transport.get_write_buffer_size() == 0


@only_tcp
def test_a_reset_while_the_last_bytes_go_out_ends_it(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    line.fill(transport, 1000)
    transport.close()
    line.reset()
    line.until(lambda: len(protocol.events) > 1)
    line.turn()
    assert isinstance(lost_error(protocol), OSError)


@pytest.mark.parametrize("lines", [False, True])
def test_a_write_to_a_peer_that_has_gone_raises_nothing(line: Line, lines: bool) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.pause_reading()
    line.peer.close()

    def write() -> bool:  # TCP answers the first one with a reset
        if lines:
            transport.writelines([b"any", b"body"])
        else:
            transport.write(b"anybody")
        assert protocol.events == ["made"]  # connection_lost comes later
        return transport.is_closing()

    line.until(write)
    line.turn()
    assert isinstance(lost_error(protocol), OSError)


# Protocols that fail


def fail(transport: SocketTransport) -> None:
    raise LookupError("as told")


@both_kinds
def test_a_protocol_that_raises_loses_its_connection_and_is_named(
    line: Line, kind: type[Protocol]
) -> None:
    protocol = kind(data=fail)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: len(protocol.calls) > 1)
    (context,) = line.errors
    line.errors.clear()
    assert context["protocol"] is protocol
    assert isinstance(context["exception"], LookupError)
    assert protocol.events == ["made", b"hello", ("lost", context["exception"])]
    assert line.read_to_end() == b""


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_protocol_that_raises_after_it_closed_is_named_and_ends_once(
    line: Line, method: str
) -> None:
    def end_and_fail(transport: SocketTransport) -> None:
        getattr(transport, method)()
        fail(transport)

    protocol = Plain(data=end_and_fail)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: len(protocol.calls) > 1)
    line.turn()
    assert len(line.errors) == 1
    line.errors.clear()
    assert protocol.events == ["made", b"hello", LOST]


def test_eof_received_that_raises_loses_the_connection(line: Line) -> None:
    protocol = Plain(eof=fail)
    line.open(protocol)
    line.peer.close()
    line.until(lambda: line.errors)
    line.turn()
    errors = [context["exception"] for context in line.errors]
    line.errors.clear()
    assert len(errors) == 1
    assert protocol.events == ["made", "eof", ("lost", errors[0])]


def test_get_buffer_that_raises_loses_the_connection(line: Line) -> None:
    protocol = Buffered(buffer=fail)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: line.errors)
    line.turn()
    errors = [context["exception"] for context in line.errors]
    line.errors.clear()
    assert len(errors) == 1
    assert protocol.events == ["made", ("lost", errors[0])]


def test_an_empty_buffer_is_not_the_end_of_the_peer(line: Line) -> None:
    protocol = Buffered(0)
    line.open(protocol)
    line.send(b"hello")
    line.until(lambda: len(protocol.events) > 1)
    line.errors.clear()
    assert "eof" not in protocol.events


def test_connection_lost_that_raises_still_closes_the_socket(line: Line) -> None:
    protocol = Plain(lost=fail)
    line.open(protocol).close()
    assert line.read_to_end() == b""
    (context,) = line.errors
    line.errors.clear()
    assert isinstance(context["exception"], LookupError)
    assert line.socket.fileno() == -1


# Writing


def test_what_the_kernel_takes_waits_nowhere(line: Line) -> None:
    transport = line.open(Plain())
    for number in range(10):
        transport.write(b"%03d" % number)
        transport.write(b"")
    assert transport.get_write_buffer_size() == 0
    assert line.watched == 1  # for reading
    assert line.read(30) == b"".join(b"%03d" % number for number in range(10))


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("method", ["write", "writelines"])
def test_what_the_kernel_does_not_take_waits_and_arrives(
    line: Line, method: str, make: Callable[[bytes], Any]
) -> None:
    data = random.Random(1).randbytes(LARGE)
    transport = line.open(Plain())
    if method == "write":
        transport.write(make(data))
    else:
        transport.writelines([make(data[:500_001]), make(data[500_001:])])
    assert 0 < transport.get_write_buffer_size() < LARGE
    transport.write(b"end")
    assert line.read(LARGE + 3) == data + b"end"
    line.until(lambda: transport.get_write_buffer_size() == 0)


@pytest.mark.parametrize("method", ["write", "writelines"])
def test_a_buffer_belongs_to_its_owner_again_after_the_call(line: Line, method: str) -> None:
    data = bytearray(b"x" * LARGE)
    transport = line.open(Plain())
    if method == "write":
        transport.write(data)
    else:
        transport.writelines([data, data])
    data[:] = b"y" * LARGE
    data.clear()  # BufferError if a view of it were kept
    size = LARGE if method == "write" else 2 * LARGE
    assert line.read(size) == b"x" * size


@pytest.mark.parametrize("method", ["write", "writelines"])
def test_a_view_of_wide_items_is_sent_whole(line: Line, method: str) -> None:
    view = memoryview(array("I", range(LARGE // 4)))
    transport = line.open(Plain())
    if method == "write":
        transport.write(view)
    else:
        transport.writelines([view])
    transport.close()
    assert line.read_to_end() == view.tobytes()


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [b"", b"", b"a", b"", b"b", b""],
        [b"one", bytearray(b"two"), memoryview(b"three")],
        [memoryview(b"0123456789")[2:5], memoryview(b"abcdef")[::1]],
        [b"x" * 3] * (MAX_PIECES - 1),
        [b"y" * 3] * MAX_PIECES,
        [b"z" * 3] * (MAX_PIECES + 1),
        [b"", *[b"z"] * MAX_PIECES, b""],
        [b"x" * 300_000, b"", b"y" * 300_000, b"z"],
        [b"", b"x" * 300_000],
        [b"%d " % number for number in range(100_000)],
    ],
    ids=lambda pieces: f"{len(pieces)} pieces of {sum(map(len, pieces))} bytes",
)
def test_pieces_arrive_as_one(line: Line, pieces: list[Any]) -> None:
    transport = line.open(Plain())
    transport.write(b"before ")
    transport.writelines(pieces)
    transport.writelines(iter([b"", b" after"]))
    transport.close()
    assert line.read_to_end() == b"before " + b"".join(pieces) + b" after"


@pytest.mark.parametrize("seed", range(5))
def test_pieces_of_all_sizes_arrive_at_a_slow_reader(line: Line, seed: int) -> None:
    """The kernel takes a part of the data, up to the middle of a piece, and the rest later."""
    numbers = random.Random(seed)
    sizes = [0, 1, 100, 5000, 50_000]
    transport = line.open(Plain())
    expected = bytearray()
    while len(expected) < LARGE:
        pieces = [
            numbers.randbytes(numbers.choice(sizes)) for _ in range(numbers.choice([0, 1, 5, 50]))
        ]
        if numbers.random() < 0.2:
            transport.write(b"".join(pieces))
        else:
            transport.writelines(map(memoryview, pieces))
        expected += b"".join(pieces)
        line.receive(numbers.randrange(1, 50_000))
        line.turn(numbers.randrange(3))
    transport.close()
    assert line.read_to_end(step=5000) == expected


# Flow control


def test_writing_is_paused_past_the_high_mark_and_resumed_at_the_low_one(line: Line) -> None:
    sizes: list[int] = []
    protocol = Plain(resume=lambda transport: sizes.append(transport.get_write_buffer_size()))
    transport = line.open(protocol)
    transport.set_write_buffer_limits(high=300_000, low=200_000)
    written = line.fill(transport, 300_000)
    assert protocol.events == ["made"]
    transport.write(b"x")
    assert protocol.events == ["made", "pause"]
    transport.write(b"x" * 500_000)
    transport.writelines([b"x"] * 10)
    assert protocol.events == ["made", "pause"]
    line.read(written + 1 + 500_000 + 10)
    line.until(lambda: transport.get_write_buffer_size() == 0)
    assert protocol.events == ["made", "pause", "resume"]
    assert 0 < sizes[0] <= 200_000
    line.fill(transport, 300_000)  # and all over again
    transport.write(b"x")
    assert protocol.events == ["made", "pause", "resume", "pause"]


def test_writelines_pauses_too(line: Line) -> None:
    protocol = Plain()
    line.open(protocol).writelines([b"x" * 300_000, b"y" * 300_000])
    assert protocol.events == ["made", "pause"]
    assert line.read(600_000) == b"x" * 300_000 + b"y" * 300_000
    line.until(lambda: "resume" in protocol.events)


def test_a_low_mark_of_zero_means_empty(line: Line) -> None:
    sizes: list[int] = []
    protocol = Plain(resume=lambda transport: sizes.append(transport.get_write_buffer_size()))
    transport = line.open(protocol)
    transport.set_write_buffer_limits(high=0)
    assert transport.get_write_buffer_limits() == (0, 0)
    written = line.fill(transport, 1)
    assert protocol.events == ["made", "pause"]
    line.read(written)
    line.until(lambda: "resume" in protocol.events)
    assert sizes == [0]


def test_more_may_be_written_from_within_resume_writing(line: Line) -> None:
    rest = [b"a" * 200_000, b"b" * 200_000, b"c" * 10]
    protocol = Plain(resume=lambda transport: transport.write(rest.pop(0)))
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    expected = b"x" * LARGE + b"".join(rest[:2])
    assert line.read(len(expected)) == expected
    line.until(lambda: not rest)
    assert line.read(10) == b"c" * 10
    assert protocol.calls == ["made", *["pause", "resume"] * 3]


@pytest.mark.parametrize("method", ["close", "abort"])
@pytest.mark.parametrize("low", [0, 100_000])
def test_a_connection_closed_from_within_resume_writing_is_lost_once(
    line: Line, method: str, low: int
) -> None:
    protocol = Plain(resume=lambda transport: getattr(transport, method)())
    transport = line.open(protocol)
    transport.set_write_buffer_limits(high=400_000, low=low)
    transport.write(b"x" * LARGE)
    if method == "close":
        assert line.read_to_end() == b"x" * LARGE
    else:
        line.until(lambda: line.receive() or LOST in protocol.events)
    line.turn()
    assert protocol.events == ["made", "pause", "resume", LOST]


def test_our_half_may_be_closed_from_within_resume_writing(line: Line) -> None:
    protocol = Plain(resume=lambda transport: transport.write_eof())
    line.open(protocol).write(b"x" * LARGE)
    assert line.read_to_end() == b"x" * LARGE
    line.send(b"heard")
    line.until(lambda: protocol.data == b"heard")
    assert protocol.calls == ["made", "pause", "resume"]


@pytest.mark.parametrize("method", ["close", "abort"])
def test_a_connection_ended_from_within_pause_writing_is_lost_once(line: Line, method: str) -> None:
    protocol = Plain(pause=lambda transport: getattr(transport, method)())
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    line.until(lambda: line.receive() or LOST in protocol.events)
    line.turn()
    assert protocol.events == ["made", "pause", LOST]
    assert line.watched == 0
    if method == "close":
        assert line.read_to_end() == b"x" * LARGE


def test_nothing_is_watched_after_an_abort_from_within_pause_writing(line: Line) -> None:
    protocol = Plain(pause=lambda transport: transport.abort())
    line.open(protocol).writelines([b"x" * LARGE, b"y", b"z"])
    line.until(lambda: LOST in protocol.events)
    line.turn()
    assert protocol.events == ["made", "pause", LOST]
    assert line.watched == 0


def test_the_marks_follow_from_one_another(line: Line) -> None:
    transport = line.open(Plain())
    assert transport.get_write_buffer_limits() == (HIGH_WATER // 4, HIGH_WATER)
    transport.set_write_buffer_limits(high=1000)
    assert transport.get_write_buffer_limits() == (250, 1000)
    transport.set_write_buffer_limits(low=1000)
    assert transport.get_write_buffer_limits() == (1000, 4000)
    transport.set_write_buffer_limits(high=10, low=10)
    assert transport.get_write_buffer_limits() == (10, 10)
    transport.set_write_buffer_limits()
    assert transport.get_write_buffer_limits() == (HIGH_WATER // 4, HIGH_WATER)


@pytest.mark.parametrize(("high", "low"), [(10, 11), (-1, None), (10, -1)])
def test_marks_that_make_no_sense_are_refused(line: Line, high: int, low: int | None) -> None:
    transport = line.open(Plain())
    with pytest.raises(ValueError):  # noqa: PT011
        transport.set_write_buffer_limits(high=high, low=low)


# Our end


def test_close_sends_what_is_written_first(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    transport.close()
    assert transport.is_closing()
    line.turn()
    assert LOST not in protocol.events
    assert line.read_to_end() == b"x" * LARGE
    line.until(lambda: LOST in protocol.events)
    line.turn()
    assert protocol.events.count(LOST) == 1


def test_close_delivers_nothing_more(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    line.send(b"late")
    transport.close()
    line.until(lambda: line.receive() or LOST in protocol.events)
    assert protocol.data == b""


def test_abort_does_not_send_what_waits(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"x" * LARGE)
    transport.abort()
    assert transport.is_closing()
    assert transport.get_write_buffer_size() == 0
    assert LOST not in protocol.events  # not from within the call
    assert len(line.read_to_end()) < LARGE
    line.until(lambda: LOST in protocol.events)


@pytest.mark.parametrize("unsent", [False, True])
@pytest.mark.parametrize(
    "methods",
    [
        ["close", "close"],
        ["close", "abort"],
        ["abort", "close"],
        ["abort", "abort"],
        ["write_eof", "close"],
        ["write_eof", "abort"],
        ["close", "write_eof"],
        ["write_eof", "write_eof", "close", "write_eof", "abort"],
    ],
)
def test_connection_lost_comes_once_whatever_is_called(
    line: Line, methods: list[str], unsent: bool
) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    if unsent:
        transport.set_write_buffer_limits(high=2 * LARGE)
        transport.write(b"x" * LARGE)
    for method in methods:
        getattr(transport, method)()
    line.until(lambda: line.receive())
    line.turn()
    for method in methods:
        getattr(transport, method)()
    line.turn()
    assert protocol.events == ["made", LOST]
    assert (len(line.buffer) == LARGE) == (unsent and "abort" not in methods)
    assert line.watched == 0


@pytest.mark.parametrize("method", ["close", "abort"])
def test_what_is_written_after_the_end_is_ignored(line: Line, method: str) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    transport.write(b"first")
    getattr(transport, method)()
    for _ in range(2):
        transport.write(b"late")
        transport.writelines([b"too", b"late"])
        assert transport.get_write_buffer_size() == 0
        line.turn()  # connection_lost comes
    assert line.read_to_end() == b"first"
    assert protocol.events == ["made", LOST]


def test_what_is_written_while_it_closes_is_ignored(line: Line) -> None:
    transport = line.open(Plain())
    transport.write(b"x" * LARGE)
    transport.close()
    size = transport.get_write_buffer_size()
    transport.write(b"late")
    transport.writelines([b"too", b"late"])
    assert transport.get_write_buffer_size() == size
    assert line.read_to_end() == b"x" * LARGE


@pytest.mark.parametrize("size", [0, 5, LARGE])
def test_write_eof_closes_our_half_behind_what_is_written(line: Line, size: int) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    assert transport.can_write_eof()
    transport.write(b"x" * size)
    transport.write_eof()
    transport.write(b"late")
    transport.writelines([b"too", b"late"])
    assert line.read_to_end() == b"x" * size
    assert not transport.is_closing()
    line.send(b"heard")
    line.until(lambda: protocol.data == b"heard")
    line.peer.close()
    line.until(lambda: LOST in protocol.events)
    assert [each for each in protocol.calls if each not in ("pause", "resume")] == [
        "made",
        "eof",
        LOST,
    ]


@only_tcp
def test_write_eof_after_the_peer_has_gone_does_no_harm(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    line.reset()
    transport.write_eof()
    line.until(lambda: len(protocol.events) > 1)
    assert protocol.events[1][0] == "lost"


# Extra information, and memory after the end


@only_tcp
def test_it_tells_about_its_socket(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    assert transport.get_extra_info("socket") is line.socket
    assert transport.get_extra_info("peername") == line.peer.getsockname()
    assert transport.get_extra_info("sockname") == line.peer.getpeername()
    assert transport.get_extra_info("unheard of") is None
    assert transport.get_extra_info("unheard of", 5) == 5
    transport.close()
    line.turn()
    assert transport.get_extra_info("peername") is None
    assert transport.get_extra_info("sockname", "gone") == "gone"


@both_kinds
@pytest.mark.parametrize("end", ["close", "abort", "peer", "unsent", "failure"])
def test_nothing_is_left_of_a_connection(line: Line, kind: type[Protocol], end: str) -> None:
    """Its memory is freed without the collector, once its protocol drops the transport."""
    protocol = kind()
    transport = line.open(protocol)
    descriptor = line.socket.fileno()
    alive = weakref.ref(protocol)
    gc.disable()
    try:
        if end == "peer":
            line.peer.shutdown(socket.SHUT_WR)
        elif end == "failure":
            protocol.hooks["data"] = fail
            line.send(b"hello")
        else:
            if end == "unsent":
                transport.write(b"x" * LARGE)
            getattr(transport, "abort" if end == "abort" else "close")()
        line.until(lambda: line.receive())
        line.turn()
        line.errors.clear()
        del protocol, transport
        if end == "failure":  # the error, which the protocol has recorded, knows its frames
            gc.collect()
        assert alive() is None
    finally:
        gc.enable()
    assert line.socket.fileno() == -1
    with pytest.raises(OSError, match=r"\[Errno 9\]"):
        os.fstat(descriptor)
    assert line.watched == 0


def test_an_ended_transport_that_somebody_keeps_keeps_no_protocol(line: Line) -> None:
    protocol = Plain()
    transport = line.open(protocol)
    events, alive = protocol.events, weakref.ref(protocol)
    del protocol
    transport.close()
    line.until(lambda: LOST in events)
    gc.collect()
    assert alive() is None


def test_it_costs_no_dictionary(line: Line) -> None:
    """The reason for this transport: see its module."""
    assert not hasattr(line.open(Plain()), "__dict__")
