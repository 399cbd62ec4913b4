"""One client whose read holds much work does not keep the loop from the others."""

from __future__ import annotations

import asyncio
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from c10kws import WebSocket
from c10kws.connection.inbox import EMPTY
from c10kws.connection.turns import MAX_TURN
from c10kws.protocol.messages import Message
from c10kws.protocol.server import ServerProtocol
from tests.project.frames_views import COMPRESSED, PLAIN, connections, play
from tests.support.connections import cork, inbox, open_connection, turn
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close_frame,
    deflated,
    frame,
)
from tests.support.peers import OFFER, Peer, opened, opened_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

RSV1 = 0x40
MIB = 1024 * 1024
FIRST = frame(TEXT, b"first")


class Two:
    """Two clients: the greedy one, and one whose message comes while the greedy one is served."""

    def __init__(self) -> None:
        self.events: list[str | int] = []
        self.call = threading.Event()

    async def handle(self, ws: WebSocket) -> None:
        async for message in ws:
            if message == "patient":
                self.events.append("patient")
            elif message == "first":
                self.wait_for_the_other(connections[0])
            else:
                self.events.append(len(message))
                ws.write_message(b"%d" % len(message))

    def wait_for_the_other(self, other: WebSocket) -> None:
        """Block the loop until the other client's message has come to its socket."""
        assert cork(other).transport is not None
        self.call.set()
        ready, _, _ = select.select([cork(other).transport.get_extra_info("socket")], [], [], WAIT)
        assert ready

    @contextmanager
    def open(self, live: LiveServer, path: str) -> Iterator[Peer]:
        """Connect the patient client, then the greedy one."""
        play(self.handle)
        with opened(live, PLAIN) as patient:
            eventually(lambda: connections)
            sending = threading.Thread(target=self.send, args=[patient])
            sending.start()
            with opened_with(live, path, OFFER) as greedy:
                yield greedy
            sending.join(WAIT)

    def send(self, patient: Peer) -> None:
        assert self.call.wait(WAIT)
        patient.socket.sendall(frame(TEXT, b"patient"))


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "CLOSE_TIMEOUT": WAIT}


def test_others_have_their_turn_between_messages_that_inflate_to_much(live: LiveServer) -> None:
    two, count = Two(), 40
    with two.open(live, COMPRESSED) as greedy:
        bomb = frame(RSV1 | BINARY, deflated(bytes(MIB)))
        greedy.socket.sendall(FIRST + bomb * count + close_frame(3000))
        answers = [greedy.read_frame() for _ in range(count)]
        assert answers == [(BINARY, b"%d" % MIB)] * count
        assert greedy.read_frame() == (CLOSE, b"\x0b\xb8")
        eventually(lambda: "patient" in two.events)
    assert two.events.index("patient") <= 4


def test_others_have_their_turn_within_a_message_that_inflates_to_much(
    live: LiveServer, settings: Any
) -> None:
    settings.C10KWS["MAX_MESSAGE_SIZE"] = 64 * MIB
    two = Two()
    with two.open(live, COMPRESSED) as greedy:
        payload = deflated(bytes(40 * MIB))
        parts = [payload[at : at + 5000] for at in range(0, len(payload), 5000)]
        message = [frame(RSV1 | BINARY, parts[0], fin=False)]
        message += [frame(CONTINUATION, part, fin=False) for part in parts[1:]]
        greedy.socket.sendall(FIRST + b"".join([*message, frame(CONTINUATION)]))
        assert greedy.read_frame() == (BINARY, b"%d" % (40 * MIB))
    assert two.events == ["patient", 40 * MIB]


@pytest.mark.parametrize("fast_lane", [True, False])
@pytest.mark.parametrize("kind", ["compressed", "fragmented"])
def test_others_have_their_turn_between_many_small_messages(
    live: LiveServer, settings: Any, kind: str, fast_lane: bool
) -> None:
    settings.C10KWS["FAST_LANE"] = fast_lane
    two, count = Two(), 2000
    small = frame(RSV1 | BINARY, deflated(b"a"))
    if kind == "fragmented":
        small = frame(BINARY, b"a", fin=False) + frame(CONTINUATION)
    with two.open(live, COMPRESSED) as greedy:
        greedy.socket.sendall(FIRST + small * count)
        for _ in range(count):
            assert greedy.read_frame() == (BINARY, b"1")
    assert two.events.count(1) == count
    assert two.events.index("patient") <= 2 * MAX_TURN


def test_others_have_their_turn_between_fragments_that_bring_nothing(live: LiveServer) -> None:
    two = Two()
    with two.open(live, PLAIN) as greedy:
        empty = frame(CONTINUATION, fin=False) * 4000
        greedy.socket.sendall(FIRST + frame(BINARY, b"ab", fin=False) + empty + frame(CONTINUATION))
        assert greedy.read_frame() == (BINARY, b"2")
    assert two.events == ["patient", 2]


def test_pings_between_are_answered_in_order(live: LiveServer) -> None:
    two, count = Two(), 1000
    with two.open(live, COMPRESSED) as greedy:
        small = frame(RSV1 | BINARY, deflated(b"a"))
        greedy.socket.sendall(FIRST + (small + frame(PING, b"?")) * count + close_frame(3000))
        answers = [greedy.read_frame() for _ in range(2 * count + 1)]
        pongs = sum(answer == (PONG, b"?") for answer in answers)
        assert [answer for answer in answers if answer[0] == BINARY] == [(BINARY, b"1")] * count
        assert answers[-1] == (CLOSE, b"\x0b\xb8")
        assert pongs == count


def test_a_reader_that_comes_later_gets_all_of_it(live: LiveServer, settings: Any) -> None:
    """The handler is busy while the turns fill its inbox; reading stops until it has read."""
    settings.C10KWS["MAX_QUEUE_BYTES"] = 2 * MIB
    gate, lengths = threading.Event(), []

    async def handler(ws: WebSocket) -> None:
        await asyncio.to_thread(gate.wait, WAIT)
        async for message in ws:
            lengths.append(len(message))

    play(handler)
    with opened_with(live, COMPRESSED, OFFER) as greedy:
        greedy.socket.sendall(frame(RSV1 | BINARY, deflated(bytes(MIB))) * 30 + close_frame(3000))
        eventually(lambda: connections and inbox(connections[0]).paused)
        held = sum(map(len, inbox(connections[0]).messages))
        gate.set()
        assert greedy.read_frame() == (CLOSE, b"\x0b\xb8")
        eventually(lambda: len(lengths) == 30)
    assert held <= 5 * MIB


def test_what_is_held_is_delivered_when_the_client_has_gone(live: LiveServer) -> None:
    lengths: list[int] = []

    async def handler(ws: WebSocket) -> None:
        async for message in ws:
            lengths.append(len(message))
            await asyncio.sleep(0)

    play(handler)
    with opened_with(live, COMPRESSED, OFFER) as greedy:
        greedy.socket.sendall(frame(RSV1 | BINARY, deflated(bytes(MIB))) * 20)
    eventually(lambda: lengths == [MIB] * 20)


def test_a_handler_that_closes_and_reads_no_more_is_not_kept_by_what_is_held(
    live: LiveServer,
) -> None:
    async def handler(ws: WebSocket) -> None:
        await ws.read_message()
        await ws.close(4000)

    play(handler)
    with opened_with(live, COMPRESSED, OFFER) as greedy:
        bomb = frame(RSV1 | BINARY, deflated(bytes(MIB)))
        greedy.socket.sendall(bomb * 30)
        assert greedy.read_frame() == (CLOSE, b"\x0f\xa0")
        greedy.socket.sendall(bomb * 30 + close_frame(4000))
        assert greedy.read_to_end() == b""


def test_a_reader_that_waits_behind_its_own_close_is_not_forgotten(live: LiveServer) -> None:
    """Held data that ends within a message brings nothing more to read, and the reader ends."""
    ends: list[str] = []

    async def handler(ws: WebSocket) -> None:
        await ws.read_message()
        ws.close(4000)
        async for message in ws:
            ends.append(str(message))
        ends.append("end")

    play(handler)
    with opened(live, PLAIN) as peer:
        half = frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b") + frame(TEXT, fin=False)
        peer.socket.sendall(frame(TEXT, b"go", fin=False) + frame(CONTINUATION) + half)
        assert peer.read_frame() == (CLOSE, b"\x0f\xa0")
        eventually(lambda: ends == ["ab", "end"])


# One connection, without a socket


class HoldingProtocol(ServerProtocol):
    """A protocol that holds these messages, one for each call."""

    def __init__(self, *messages: Message) -> None:
        super().__init__(MIB)
        self.held = list(messages)
        self.has_more = True

    def receive_data(self, data: bytes) -> list[Message]:
        assert data == b""
        message = self.held.pop(0)
        self.has_more = bool(self.held)
        return [message]


def test_held_messages_fill_the_inbox_in_turns() -> None:
    async def main() -> None:
        _, connection, transport = open_connection()
        connection.sender.protocol = HoldingProtocol("1", "2", "3")
        connection.turns.begin()
        assert (connection.inbox.received, transport.calls) == (3, [])
        connection.inbox.messages = EMPTY
        many = connection.sender.protocol = HoldingProtocol(*["x"] * (MAX_TURN + 1))
        connection.turns.begin()
        assert (len(many.held), connection.inbox.paused) == (1, True)
        await turn()
        assert (many.held, connection.inbox.received) == ([], 3 + MAX_TURN + 1)

    asyncio.run(main())


def test_a_full_inbox_asks_for_no_turn() -> None:
    async def main() -> None:
        _, connection, transport = open_connection(max_queue_bytes=100)
        protocol = connection.sender.protocol = HoldingProtocol(bytes(101), "next")
        for _ in range(2):
            connection.turns.begin()
            await turn()
            assert (protocol.held, transport.calls) == (["next"], ["pause_reading"])

    asyncio.run(main())


def test_turns_are_asked_for_once() -> None:
    async def main() -> None:
        _, connection, _ = open_connection()
        protocol = connection.sender.protocol = HoldingProtocol(*["x"] * 2 * MAX_TURN)
        connection.turns.ask()
        connection.turns.ask()
        await asyncio.sleep(0)
        assert len(protocol.held) == MAX_TURN

    asyncio.run(main())
