"""Handlers and streams that go on after the end: bounded, logged, and no burden on a stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from c10kws import ConnectionClosed, WebSocket
from c10kws.connection.watchdog import MAX_LATE_USES
from c10kws.connection.websocket import connection_of
from c10kws.handlers.server_state import ServerState
from c10kws.handlers.servers import servers
from c10kws.test.stop import ImmediateStop
from tests.project.frames_views import PLAIN, connections, play
from tests.support.frames import CLOSE, FIN, INTERNAL_ERROR, TEXT, close_frame, frame
from tests.support.logs import named
from tests.support.peers import Peer, opened, read_all, read_raw
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Loop = Callable[[WebSocket], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def bounds(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "c10kws.access")
    settings.C10KWS = {"PING_INTERVAL": None, "CLOSE_TIMEOUT": WAIT, "HANDLER_TIMEOUT": 0.1}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in named(caplog, "c10kws")]


def state() -> ServerState:
    (state,) = servers.running
    return state


def stop(live: LiveServer, seconds: float) -> None:
    """Stop the library as its server would; the server itself goes on."""

    async def call() -> None:
        await state().stop(ImmediateStop(1001, live.loop.time() + seconds))

    asyncio.run_coroutine_threadsafe(call(), live.loop).result(WAIT)


# Handlers that take no notice


async def read(ws: WebSocket) -> None:
    while True:
        with contextlib.suppress(Exception):
            await ws.read_message()


async def iterate(ws: WebSocket) -> None:
    while True:
        async for _ in ws:
            pass


async def write(ws: WebSocket) -> None:
    await ws.wait_closed()
    while True:
        with contextlib.suppress(Exception):
            await ws.write_message("tick")


async def ping(ws: WebSocket) -> None:
    await ws.wait_closed()
    while True:
        with contextlib.suppress(Exception):
            await ws.ping()


async def read_in_a_child(ws: WebSocket) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(read(ws))


async def write_in_children(ws: WebSocket) -> None:
    await ws.wait_closed()
    await asyncio.gather(write(ws), write(ws))


@pytest.mark.parametrize("loop", [read, iterate, write, ping, read_in_a_child, write_in_children])
def test_a_handler_that_uses_a_closed_connection_again_and_again_is_cancelled(
    live: LiveServer, caplog: pytest.LogCaptureFixture, loop: Loop
) -> None:
    play(loop)
    with opened(live, PLAIN + "?token=secret") as peer:
        peer.socket.sendall(close_frame(3000))
        assert peer.read_frame() == (CLOSE, b"\x0b\xb8")
        eventually(lambda: named(caplog, "c10kws.access"))
    assert warnings(caplog) == [
        f"{PLAIN}: the handler used its connection {MAX_LATE_USES} times after the end; "
        "cancelling it. Let ConnectionClosed end its loop."
    ]
    assert '" 3000 ' in named(caplog, "c10kws.access")[0].getMessage()


def test_a_few_uses_after_the_end_are_nobodys_business(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[int] = []

    async def handler(ws: WebSocket) -> None:
        for _ in range(MAX_LATE_USES // 2):
            for use in (ws.read_message, lambda: ws.write_message("late")):
                try:
                    await use()
                except ConnectionClosed as error:
                    errors.append(error.code)

    play(handler)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(close_frame(3000))
        eventually(lambda: named(caplog, "c10kws.access"))
    assert errors == [3000] * (MAX_LATE_USES // 2 * 2)
    assert warnings(caplog) == []


def test_a_handler_that_has_noticed_may_take_its_time(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS["HANDLER_TIMEOUT"] = 0.02
    ends: list[str] = []

    async def handler(ws: WebSocket) -> None:
        try:
            async for _ in ws:
                pass
            await asyncio.sleep(0.2)
            ends.append("clean")
        except asyncio.CancelledError:
            ends.append("cancelled")

    play(handler)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(close_frame(3000))
        eventually(lambda: named(caplog, "c10kws.access"))
    assert ends == ["clean"]


@pytest.mark.parametrize("of_another_handler", [True, False])
def test_what_another_task_notices_is_no_notice_to_the_handler(
    live: LiveServer, caplog: pytest.LogCaptureFixture, of_another_handler: bool
) -> None:
    ends: list[str] = []

    async def tell(ws: WebSocket) -> None:
        with pytest.raises(ConnectionClosed):
            await ws.write_message("late")
        ends.append("told")

    async def handler(ws: WebSocket) -> None:
        if len(connections) > 1:
            await tell(connections[0])
            return
        try:
            await asyncio.sleep(WAIT)
        except asyncio.CancelledError:
            ends.append("cancelled")

    play(handler)
    with opened(live, PLAIN) as peer:
        eventually(lambda: connections)
        peer.socket.sendall(close_frame(3000))
        eventually(lambda: connections[0].closed)
        if of_another_handler:
            with opened(live, PLAIN):
                eventually(lambda: ends)
        else:
            asyncio.run_coroutine_threadsafe(tell(connections[0]), live.loop).result(WAIT)
        eventually(lambda: "cancelled" in ends)
    assert ends == ["told", "cancelled"]


def test_others_have_their_turn_while_a_handler_reads_a_closed_connection(
    live: LiveServer,
) -> None:
    """The loop stands still until the other client's message has come, and then goes on."""
    events: list[str] = []

    async def handler(ws: WebSocket) -> None:
        if len(connections) == 1:
            async for message in ws:
                events.append(str(message))
            return
        with pytest.raises(ConnectionClosed):
            await ws.read_message()
        events.append("closed")
        asyncio.get_running_loop().call_soon(events.append, "another")
        for _ in range(2):
            with pytest.raises(ConnectionClosed):
                await ws.read_message()
        events.append("over")

    play(handler)
    with opened(live, PLAIN):
        eventually(lambda: connections)
        with opened(live, PLAIN) as peer:
            peer.socket.sendall(close_frame(1000))
            eventually(lambda: "over" in events)
    assert events == ["closed", "another", "over"]


class Stubborn:
    """A handler that swallows each cancellation until the test lets it go."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, ws: WebSocket) -> None:
        ws.write_message("ready")
        while not self.release.is_set():
            try:
                await self.use(ws)
            except asyncio.CancelledError:
                self.cancelled += 1

    async def use(self, ws: WebSocket) -> None:
        await self.release.wait()

    def let_go(self, live: LiveServer) -> None:
        live.loop.call_soon_threadsafe(self.release.set)


class StubbornReader(Stubborn):
    """One that swallows everything, as a bare ``except`` does."""

    async def use(self, ws: WebSocket) -> None:
        with contextlib.suppress(Exception):
            await ws.read_message()


@pytest.mark.parametrize("kind", [Stubborn, StubbornReader])
def test_a_handler_that_swallows_its_cancellation_is_given_up(
    live: LiveServer, caplog: pytest.LogCaptureFixture, kind: type[Stubborn]
) -> None:
    handler = kind()
    play(handler)
    with opened(live, PLAIN) as peer:
        assert peer.read_frame() == (TEXT, b"ready")
        peer.socket.sendall(close_frame(3000))
        eventually(lambda: not state().clients)
        assert handler.cancelled == 1
        stop(live, WAIT)  # it does not wait for it
    handler.let_go(live)
    eventually(lambda: named(caplog, "c10kws.access"))
    assert warnings(caplog)[-1] == (
        f"{PLAIN}: the handler still runs 0.1 s after it was cancelled; giving it up. "
        "It catches CancelledError, as a bare `except:` does, or waits for a thread."
    )


def test_a_stop_gives_up_a_handler_that_swallows_its_cancellation(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS["HANDLER_TIMEOUT"] = WAIT
    handler = Stubborn()
    play(handler)
    with opened(live, PLAIN) as peer:
        assert peer.read_frame() == (TEXT, b"ready")
        stop(live, 0.05)
    assert warnings(caplog) == [
        f"{PLAIN}: the handler ignores the stop of the server; giving it up."
    ]
    handler.let_go(live)
    eventually(lambda: named(caplog, "c10kws.access"))


# Streams that hang


class Hanging:
    """An async generator that yields once; ``stubborn`` swallows its cancellation."""

    def __init__(self, stubborn: bool = False) -> None:
        self.stubborn = stubborn
        self.release = asyncio.Event()
        self.ends: list[str] = []

    async def parts(self) -> AsyncIterator[str]:
        try:
            yield "a"
            while True:
                try:
                    await self.release.wait()
                    break
                except asyncio.CancelledError:
                    self.ends.append("cancelled")
                    if not self.stubborn:
                        raise
            yield "late"
        finally:
            self.ends.append("finally")


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("how", ["return", "raise", "close"])
def test_a_stream_that_hangs_ends_with_its_handler(
    live: LiveServer, caplog: pytest.LogCaptureFixture, settings: Any, how: str, stubborn: bool
) -> None:
    if how == "raise":
        settings.C10KWS["HANDLER_TIMEOUT"] = WAIT  # it is not waited for
    hanging = Hanging(stubborn)

    async def handler(ws: WebSocket) -> None:
        ws.write_message(hanging.parts())
        await ws.read_message()
        ws.write_message("behind")
        if how == "raise":
            raise KeyError("as told")
        if how == "close":
            await ws.close(4000, "done")

    play(handler)
    close = (FIN | CLOSE, b"\x0f\xa0done") if how == "close" else INTERNAL_ERROR
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        peer.socket.sendall(frame(TEXT, b"go"))
        assert read_raw(peer) == close
        live.loop.call_soon_threadsafe(hanging.release.set)
        eventually(lambda: hanging.ends == ["cancelled", "finally"])
        peer.socket.sendall(close_frame(1000))
        assert peer.read_to_end() == b""
        eventually(lambda: named(caplog, "c10kws.access"))
    code = 4000 if how == "close" else 1011
    assert f'" {code} received 1 sent 0 dropped 1 ' in (
        named(caplog, "c10kws.access")[0].getMessage()
    )
    if how != "raise":
        assert f"{PLAIN}: a message in fragments did not end within 0.1 s" in warnings(caplog)[0]


@pytest.mark.parametrize("running", [True, False])
def test_a_stream_that_hangs_does_not_hold_a_stop(
    live: LiveServer, settings: Any, running: bool
) -> None:
    settings.C10KWS["HANDLER_TIMEOUT"] = 0.1 if running else WAIT
    hanging = Hanging()
    codes: list[int] = []

    async def handler(ws: WebSocket) -> None:
        sent = ws.write_message(hanging.parts())
        if running:
            try:
                await sent
            except ConnectionClosed as error:
                codes.append(error.code)

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        if not running:
            eventually(lambda: connection_of(connections[0]).ending._timer is not None)
        answering = asyncio.run_coroutine_threadsafe(answer(peer), live.loop)
        stop(live, WAIT)
        assert answering.result(WAIT) == (FIN | CLOSE, b"\x03\xe9")
    assert hanging.ends == ["cancelled", "finally"]
    assert codes == [1001] * running


async def answer(peer: Peer) -> tuple[int, bytes]:
    """Answer the server's Close, in a thread of its loop."""

    def work() -> tuple[int, bytes]:
        got = read_raw(peer)
        peer.socket.sendall(close_frame(1001))
        return got

    return await asyncio.to_thread(work)


def test_a_stream_that_ends_by_itself_is_not_cut(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS["HANDLER_TIMEOUT"] = WAIT

    async def parts() -> AsyncIterator[str]:
        for part in "abc":
            await asyncio.sleep(0.01)
            yield part

    async def handler(ws: WebSocket) -> None:
        ws.write_message(parts())

    play(handler)
    with opened(live, PLAIN) as peer:
        frames = read_all(peer)
    assert [payload for _, payload in frames] == [b"a", b"b", b"c", b"", b"\x03\xe8"]
    assert warnings(caplog) == []


def test_the_end_of_a_stream_is_no_notice_to_its_handler(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler that ignores the end is cancelled even if its stream is not awaited."""
    hanging = Hanging()
    ends: list[str] = []

    async def handler(ws: WebSocket) -> None:
        ws.write_message(hanging.parts())
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    play(handler)
    with opened(live, PLAIN) as peer:
        assert read_raw(peer) == (TEXT, b"a")
        peer.socket.sendall(close_frame(3000))
        eventually(lambda: ends == ["cancelled"])
    assert warnings(caplog) == []
