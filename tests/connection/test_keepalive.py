"""Pings, ours and the handler's, through real sockets; and the timer that all share."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from c10kws import ConnectionClosed, WebSocket
from c10kws.connection.keepalive import Keepalive
from c10kws.connection.keepalive_timer import SLOTS, KeepaliveTimer
from c10kws.connection.pings import MAX_PINGS
from tests.project.frames_views import connections, echo, play
from tests.support.connections import inbox
from tests.support.frames import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame
from tests.support.peers import Peer, opened
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

PLAIN = "/ws/frames/plain/"


def quick(**other: Any) -> dict[str, Any]:
    return {"PING_INTERVAL": 0.1, "PING_TIMEOUT": 0.5, "CLOSE_TIMEOUT": 0.2} | other


def read_until(peer: Peer, opcode: int) -> bytes:
    """Skip Pings, and nothing else, until a frame of ``opcode`` comes; return its payload."""
    while True:
        found, payload = peer.read_frame()
        if found == opcode:
            return payload
        assert found == PING, (found, payload)


def assert_tcp_ends(peer: Peer) -> None:
    with suppress(ConnectionResetError):
        assert peer.read_to_end() == b""


# Pings of the server


def test_pings_come_and_each_has_a_name_of_its_own(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"PING_INTERVAL": 0.1, "PING_TIMEOUT": 60}
    play(echo)
    names = []
    with opened(live, PLAIN) as peer:
        for _ in range(10):
            opcode, payload = peer.read_frame()
            assert (opcode, len(payload)) == (PING, 8)
            names.append(payload)
            peer.socket.sendall(frame(PONG, payload))
        assert len(set(names)) == 10
        eventually(lambda: connections[0].latency is not None)


def test_a_peer_that_answers_nothing_is_closed_and_then_let_go(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = quick()
    caplog.set_level("INFO", "c10kws.access")
    ends: list[tuple[int, str]] = []

    async def read(ws: WebSocket) -> None:
        try:
            await ws.read_message()
        except ConnectionClosed as closed:
            ends.append((closed.code, closed.reason))
            raise

    play(read)
    with opened(live, PLAIN) as peer:
        assert peer.read_frame()[0] == PING
        assert read_until(peer, CLOSE) == b"\x03\xf3ping timeout"
        assert_tcp_ends(peer)  # it never answered the Close either
        eventually(lambda: f'"WebSocket {PLAIN}" 1011 received 0' in caplog.text)
    assert ends == [(1011, "ping timeout")]


def test_every_byte_is_life_even_one_of_half_a_frame(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = quick()
    play(echo)
    slow = frame(BINARY, b"x" * 100)
    with opened(live, PLAIN) as peer:
        for byte in slow[:30]:  # six times the timeout
            assert peer.read_frame()[0] == PING
            peer.socket.sendall(bytes([byte]))
        assert read_until(peer, CLOSE) == b"\x03\xf3ping timeout"


def test_a_slow_handler_does_not_cost_its_client_the_connection(
    live: LiveServer, settings: Any
) -> None:
    """Reading is paused, so the Pongs wait in the kernel for as long as the handler likes."""
    settings.C10KWS = quick(MAX_QUEUE_BYTES=1000)
    gate = asyncio.Event()

    async def slow(ws: WebSocket) -> None:
        await gate.wait()
        for _ in range(3):
            await ws.read_message()
        await ws.write_message("done")
        await ws.read_message()

    play(slow)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(frame(BINARY, b"x" * 2000) * 2)
        eventually(lambda: connections and inbox(connections[0]).paused)
        received = connections[0].received
        for _ in range(20):  # four times the timeout
            assert peer.read_frame()[0] == PING
        peer.socket.sendall(frame(TEXT, b"last"))
        assert connections[0].received == received
        live.loop.call_soon_threadsafe(gate.set)
        assert read_until(peer, TEXT) == b"done"
        opcode, payload = peer.read_frame()
        assert opcode == PING
        peer.socket.sendall(frame(PONG, payload) + close_frame(1000))
        assert read_until(peer, CLOSE) == b"\x03\xe8"


def test_a_handler_that_does_not_read_while_reading_goes_on_keeps_its_client(
    live: LiveServer, settings: Any
) -> None:
    settings.C10KWS = quick()

    async def waiting(ws: WebSocket) -> None:
        await ws.wait_closed()

    play(waiting)
    with opened(live, PLAIN) as peer:
        for _ in range(20):
            opcode, payload = peer.read_frame()
            assert opcode == PING
            peer.socket.sendall(frame(PONG, payload))


def test_no_interval_no_pings(live: LiveServer, settings: Any) -> None:
    play(echo)
    settings.C10KWS = {"PING_INTERVAL": None}
    with opened(live, PLAIN) as silent:
        eventually(lambda: len(connections) == 1)
        settings.C10KWS = quick()
        with opened(live, PLAIN) as other:
            while other.read_frame()[0] != CLOSE:
                pass
        silent.socket.sendall(frame(TEXT, b"x"))
        assert silent.read_frame() == (TEXT, b"x")


def test_without_a_timeout_pings_still_go_out(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"PING_INTERVAL": 0.05, "PING_TIMEOUT": None}
    play(echo)
    with opened(live, PLAIN) as peer:
        assert peer.read_frame()[0] == PING


def test_a_peer_that_never_pongs_is_found_when_it_dies(live: LiveServer, settings: Any) -> None:
    """It talked, which is life, and answered no Ping; then it falls silent."""
    settings.C10KWS = quick(PING_INTERVAL=0.02, PING_TIMEOUT=2)
    play(echo)
    with opened(live, PLAIN) as peer:
        for _ in range(64):
            assert peer.read_frame()[0] == PING
            peer.socket.sendall(frame(TEXT, b""))
            assert read_until(peer, TEXT) == b""
        assert read_until(peer, CLOSE) == b"\x03\xf3ping timeout"


# Pings of the handler


@pytest.fixture
def unpinged(settings: Any) -> None:
    """Leave the Pings to the handler."""
    settings.C10KWS = {"PING_INTERVAL": None}


def test_a_ping_says_how_long_its_pong_took(live: LiveServer, unpinged: None) -> None:
    async def measure(ws: WebSocket) -> None:
        before = ws.latency
        seconds = await ws.ping()
        await ws.write_message(f"{before} {seconds > 0} {ws.latency == seconds}")

    play(measure)
    with live.connect(PLAIN) as ws:  # a client library answers by itself
        assert ws.recv(WAIT) == "None True True"


def test_a_pong_answers_the_pings_before_it(live: LiveServer, unpinged: None) -> None:
    async def twice(ws: WebSocket) -> None:
        first, second, third = [asyncio.ensure_future(ws.ping()) for _ in range(3)]
        await asyncio.gather(first, second)
        ws.write_message(f"{first.result() >= second.result()} {third.done()}")
        await third
        await ws.write_message("third")

    play(twice)
    with opened(live, PLAIN) as peer:
        pings = [peer.read_frame() for _ in range(3)]
        assert [opcode for opcode, _ in pings] == [PING] * 3
        peer.socket.sendall(frame(PONG, pings[1][1]))
        assert peer.read_frame() == (TEXT, b"True False")
        peer.socket.sendall(frame(PONG, pings[2][1]))
        assert peer.read_frame() == (TEXT, b"third")


def test_a_pong_that_answers_nothing_is_ignored(live: LiveServer, unpinged: None) -> None:
    async def patient(ws: WebSocket) -> None:
        ping = asyncio.ensure_future(ws.ping())
        await ws.read_message()
        ws.write_message(f"{ping.done()} {ws.latency}")
        await ping
        await ws.write_message("answered")
        await echo(ws)

    play(patient)
    with opened(live, PLAIN, frame(PONG, b"early")) as peer:
        opcode, payload = peer.read_frame()
        assert opcode == PING
        peer.socket.sendall(frame(PONG, b"?") + frame(PONG) + frame(TEXT, b"now"))
        assert peer.read_frame() == (TEXT, b"False None")
        peer.socket.sendall(frame(PONG, payload) * 2)
        assert peer.read_frame() == (TEXT, b"answered")
        peer.socket.sendall(frame(PONG, payload) + frame(TEXT, b"alive"))
        assert peer.read_frame() == (TEXT, b"alive")


def test_sixty_four_pings_may_wait_and_not_one_more(live: LiveServer, unpinged: None) -> None:
    async def impatient(ws: WebSocket) -> None:
        for _ in range(64):
            ws.ping()
        try:
            ws.ping()
        except RuntimeError as error:
            ws.write_message(str(error))
        await ws.read_message()
        ws.ping()
        await ws.wait_closed()

    play(impatient)
    with opened(live, PLAIN) as peer:
        pings = [peer.read_frame() for _ in range(64)]
        assert {opcode for opcode, _ in pings} == {PING}
        opcode, text = peer.read_frame()
        assert opcode == TEXT and b"Too many unanswered Pings" in text
        peer.socket.sendall(frame(PONG, pings[0][1]) + frame(TEXT, b"again"))
        assert peer.read_frame()[0] == PING


@pytest.mark.parametrize("where", ["thread", "behind a stream"])
def test_pings_that_are_still_to_be_sent_count_too(
    live: LiveServer, unpinged: None, where: str
) -> None:
    asked: list[int] = []

    def flood(ws: WebSocket) -> None:
        with suppress(RuntimeError):
            for number in range(200):
                ws.ping()
                asked.append(number)

    async def parts(ws: WebSocket) -> AsyncIterator[str]:
        yield "part"
        flood(ws)

    async def handler(ws: WebSocket) -> None:
        await ws.write_message("hi")
        if where == "thread":
            thread = threading.Thread(target=flood, args=[ws])
            thread.start()
            thread.join()  # the loop is kept from its turn
        await ws.write_message(parts(ws) if where == "behind a stream" else "last")
        asked.append(-1)

    play(handler)
    with opened(live, PLAIN) as peer:
        while peer.read_frame()[0] != CLOSE:
            pass
    eventually(lambda: -1 in asked)
    assert len(asked) <= 65


def test_a_ping_may_come_from_another_thread(live: LiveServer, unpinged: None) -> None:
    async def measure(ws: WebSocket) -> None:
        ping = await asyncio.to_thread(ws.ping)
        seconds = await ping
        await ws.write_message(f"{seconds > 0}")

    play(measure)
    with live.connect(PLAIN) as ws:
        assert ws.recv(WAIT) == "True"


@pytest.mark.parametrize("end", ["close", "vanish", "own"])
def test_a_ping_that_waits_at_the_end_says_so(live: LiveServer, unpinged: None, end: str) -> None:
    ends: list[tuple[int, str]] = []

    async def waiting(ws: WebSocket) -> None:
        if end == "own":
            asyncio.get_running_loop().call_soon(ws.close, 4000, "enough")
        for ping in (ws.ping(), ws.ping()):
            with pytest.raises(ConnectionClosed) as raised:
                await ping
            ends.append((raised.value.code, raised.value.reason))
        await ws.close()
        with pytest.raises(ConnectionClosed) as raised:
            await ws.ping()
        assert raised.value.websocket is ws
        ends.append((raised.value.code, raised.value.reason))

    play(waiting)
    with opened(live, PLAIN) as peer:
        assert peer.read_frame()[0] == PING
        if end == "close":
            peer.socket.sendall(close_frame(3000, "bye"))
        elif end == "own":
            peer.socket.sendall(close_frame(4000))
    expected = {"close": (3000, "bye"), "vanish": (1006, ""), "own": (4000, "enough")}[end]
    eventually(lambda: len(ends) == 3)
    assert ends == [expected] * 3


def test_a_ping_whose_result_is_ignored_leaves_no_complaint(
    live: LiveServer, unpinged: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws.access")

    async def careless(ws: WebSocket) -> None:
        ws.ping()
        await ws.wait_closed()
        ws.ping()

    play(careless)
    with opened(live, PLAIN) as peer:
        assert peer.read_frame()[0] == PING
    eventually(lambda: "1006 received" in caplog.text)
    connections.clear()
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


# One timer for all


def test_three_hundred_connections_share_their_timer(live: LiveServer, settings: Any) -> None:
    async def greet(ws: WebSocket) -> None:
        await ws.write_message("hi")
        await ws.wait_closed()

    def timers() -> int:
        async def count() -> int:
            scheduled = live.loop._scheduled  # type: ignore[attr-defined]
            return len([handle for handle in scheduled if not handle.cancelled()])

        return asyncio.run_coroutine_threadsafe(count(), live.loop).result(WAIT)

    play(greet)
    with ExitStack() as stack:
        before = timers()
        for _ in range(300):
            assert stack.enter_context(opened(live, PLAIN)).read_frame() == (TEXT, b"hi")
        assert timers() - before < 5
        assert len(connections) == 300
    eventually(lambda: all(ws.closed for ws in connections))


class FakeLoop:
    """Keeps what was scheduled; the test turns the clock."""

    def __init__(self) -> None:
        self.scheduled: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeLoop:
        self.scheduled.append((delay, callback))
        return self

    def cancel(self) -> None:
        self.scheduled.clear()
        self.cancelled += 1

    def turn(self) -> float:
        """Run the one timer and return how long it had to wait."""
        ((delay, callback),) = self.scheduled
        self.scheduled.clear()
        callback()
        return delay


class Visitor:
    def __init__(self) -> None:
        self.visits: list[tuple[int, int]] = []
        self._weight = bytes(64)

    def keep_alive(self, ping_after: int, dead_after: int) -> None:
        self.visits.append((ping_after, dead_after))


@pytest.mark.parametrize(("interval", "timeout"), [(20, 20), (20, 5), (5, 20), (0.2, 0.3)])
def test_a_round_visits_everybody_once_and_adds_up_to_the_settings(
    interval: float, timeout: float
) -> None:
    loop: Any = FakeLoop()
    keepalive = KeepaliveTimer(loop, interval, timeout)
    visitors = [Visitor() for _ in range(200)]
    for visitor in visitors:
        keepalive.add(visitor)
        keepalive.add(visitor)  # the second time nothing happens
    assert len(loop.scheduled) == 1
    round_time = sum(loop.turn() for _ in range(SLOTS))
    assert {len(visitor.visits) for visitor in visitors} == {1}
    ping_after, dead_after = visitors[0].visits[0]
    assert ping_after * round_time == pytest.approx(interval)
    assert dead_after * round_time == pytest.approx(timeout, abs=round_time)
    assert dead_after * round_time >= timeout - 1e-9


def test_a_tick_visits_a_part_of_the_connections() -> None:
    loop: Any = FakeLoop()
    keepalive = KeepaliveTimer(loop, 20, 20)
    visitors = [Visitor() for _ in range(1600)]
    for visitor in visitors:
        keepalive.add(visitor)
    loop.turn()
    assert 0 < sum(len(visitor.visits) for visitor in visitors) < 800


def test_the_timer_stops_with_the_last_connection_and_starts_again() -> None:
    loop: Any = FakeLoop()
    keepalive = KeepaliveTimer(loop, 20, 20)
    first, second = Visitor(), Visitor()
    keepalive.add(first)
    keepalive.add(second)
    keepalive.remove(first)
    keepalive.remove(first)
    assert len(loop.scheduled) == 1
    keepalive.remove(second)
    assert (loop.scheduled, loop.cancelled) == ([], 1)
    keepalive.add(first)
    for _ in range(SLOTS):
        loop.turn()
    assert (len(first.visits), len(second.visits)) == (1, 0)


def test_a_visit_may_take_a_connection_out() -> None:
    loop: Any = FakeLoop()
    keepalive = KeepaliveTimer(loop, 20, 20)

    class Leaving(Visitor):
        def keep_alive(self, ping_after: int, dead_after: int) -> None:
            super().keep_alive(ping_after, dead_after)
            keepalive.remove(self)

    visitors = [Leaving() for _ in range(100)]
    for visitor in visitors:
        keepalive.add(visitor)
    while loop.scheduled:
        loop.turn()
    assert {len(visitor.visits) for visitor in visitors} == {1}


# One connection


def visits(keepalive: Keepalive, count: int, *, unsent: int = 0, reads: bool = True) -> str:
    """Visit ``count`` times; return a letter for each verdict: Wait, Ping, Dead."""
    verdicts = [keepalive.visit(2, 3, unsent=unsent, reads=reads) for _ in range(count)]
    return "".join(verdict.name[0] for verdict in verdicts)


def test_a_silent_peer_is_pinged_and_then_dead() -> None:
    assert visits(Keepalive(), 5) == "WPWPD"


def test_any_byte_is_a_sign_of_life() -> None:
    keepalive = Keepalive()
    assert visits(keepalive, 4) == "WPWP"
    keepalive.heard = True
    assert visits(keepalive, 4) == "WPWP"


def test_the_timeout_is_suspended_while_reading_is_paused_or_data_drains() -> None:
    keepalive = Keepalive()
    assert visits(keepalive, 8, reads=False) == "WP" * 4
    for unsent in range(900, 100, -100):
        assert visits(keepalive, 1, unsent=unsent) != "D"
    keepalive.progressed()
    assert visits(keepalive, 4, unsent=1000)[-1] == "D"


def test_no_ping_is_sent_while_too_many_wait_and_none_is_kept_when_answered() -> None:
    keepalive = Keepalive()
    names = [keepalive.begin(0.0, None) for _ in range(MAX_PINGS)]
    assert visits(keepalive, 2) == "WW"
    assert keepalive.latency is None
    keepalive.answer(b"unasked", 1.0)
    keepalive.answer(names[-1], 2.0)
    assert (keepalive.latency, keepalive.full, keepalive._pings) == (2.0, False, None)
    keepalive.answer(names[-1], 3.0)
    assert keepalive.latency == 2.0
