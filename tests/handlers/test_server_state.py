"""The state of a server: its clients, their tasks, and its stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from c10kws.handlers import server_state
from c10kws.handlers.server_state import ServerState
from c10kws.test.stop import ImmediateStop
from tests.support.contracts import MemoryServer
from tests.support.frames import CLOSE, close_frame
from tests.support.peers import Peer, handshake
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


@pytest.mark.parametrize(
    ("code", "client_error"), [(1001, ConnectionClosedOK), (1012, ConnectionClosedError)]
)
def test_a_stopping_server_says_why(
    live: LiveServer, code: int, client_error: type[Exception]
) -> None:
    with live.connect("/ws/echo/") as ws:
        ws.send("x")
        ws.recv(WAIT)
        live.begin_stop(code)
        with pytest.raises(client_error):
            ws.recv(WAIT)
        assert ws.close_code == code
    live.wait_stopped()
    live.server.pool.shutdown(wait=True)


def test_a_websocket_that_opens_while_the_server_stops_is_closed_at_once(live: LiveServer) -> None:
    with live.connect("/ws/echo/") as ws:  # the server knows of WebSockets
        ws.send("x")
        ws.recv(WAIT)
    peer = Peer(socket.create_connection(("127.0.0.1", live.port), WAIT))
    with peer.socket:
        eventually(lambda: live.server.connections == 1)
        live.begin_stop(1012)
        peer.socket.sendall(handshake("/ws/echo/"))
        assert b" 101 " in peer.read_head()
        assert peer.read_frame() == (CLOSE, (1012).to_bytes(2, "big"))
        peer.socket.sendall(close_frame(1012))
        assert peer.read_to_end() == b""
    live.wait_stopped()


class FakeClient:
    """A client that counts how it was ended."""

    name = ""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.delays: list[float] = []
        self.aborted = 0

    def stop(self, code: int, retry_after: float) -> None:
        self.codes.append(code)
        self.delays.append(retry_after)

    def abort(self) -> None:
        self.aborted += 1


async def make_state() -> ServerState:
    return ServerState(MemoryServer(asyncio.get_running_loop()).contract())


def stop_within(seconds: float, code: int = 1001) -> ImmediateStop:
    return ImmediateStop(code, asyncio.get_running_loop().time() + seconds)


def test_a_client_counts_once_and_while_its_task_runs() -> None:
    async def scenario() -> None:
        state, client, other = await make_state(), FakeClient(), FakeClient()
        task = asyncio.create_task(asyncio.sleep(0))
        state.add(client)
        state.add_task(task, client)
        state.add(other)
        assert set(state.clients) == {client, other}
        state.discard(other)
        state.discard(client)
        assert set(state.clients) == {client}
        await task
        await asyncio.sleep(0)
        assert not state.clients

    asyncio.run(scenario())


def test_a_stop_ends_every_client_once_and_does_not_wait_for_those_without_a_task() -> None:
    async def scenario() -> None:
        state, clients = await make_state(), [FakeClient() for _ in range(3)]
        for client in clients:
            state.add(client)
        over = asyncio.Event()
        state.add_task(asyncio.create_task(finish_with(over)), clients[0])
        stopping = asyncio.create_task(state.stop(stop_within(WAIT, 1012)))
        await asyncio.sleep(0)
        assert state.stopping
        assert [client.codes for client in clients] == [[1012]] * 3
        assert not stopping.done()
        over.set()
        await stopping
        assert [client.aborted for client in clients] == [0, 0, 0]

    asyncio.run(scenario())


async def finish_with(event: asyncio.Event) -> None:
    await event.wait()


def test_clients_are_stopped_in_the_order_and_with_the_delays_of_the_server() -> None:
    class PairStop(ImmediateStop):
        async def spread(self, clients: Iterable[Any]) -> AsyncIterator[tuple[Any, float]]:
            left = {client.name: client for client in clients}
            for name, delay in (("b", 0.5), ("c", 1.5), ("a", 2.5)):
                yield left[name], delay
                await asyncio.sleep(0)

    async def scenario() -> None:
        state, order = await make_state(), []
        for name in "abc":
            client = FakeClient()
            client.name = name
            client.stop = lambda code, delay, name=name: order.append((name, delay))  # type: ignore[method-assign,misc]
            state.add(client)
        await state.stop(PairStop(1012, asyncio.get_running_loop().time()))
        assert order == [("b", 0.5), ("c", 1.5), ("a", 2.5)]

    asyncio.run(scenario())


def test_a_client_that_comes_during_the_stop_is_stopped_at_once() -> None:
    async def scenario() -> None:
        state, late = await make_state(), FakeClient()
        await state.stop(stop_within(WAIT, 1012))
        state.add_task(asyncio.create_task(asyncio.sleep(0)), late)
        assert (late.codes, late.delays) == ([1012], [0.0])

    asyncio.run(scenario())


def test_at_the_deadline_clients_are_aborted_and_tasks_cancelled() -> None:
    async def scenario() -> None:
        state, client = await make_state(), FakeClient()
        task = asyncio.create_task(finish_with(asyncio.Event()))
        state.add_task(task, client)
        await state.stop(stop_within(0))
        assert (client.codes, client.aborted) == ([1001], 1)
        assert task.cancelled()

    asyncio.run(scenario())


def test_a_task_that_ignores_its_cancellation_is_named_and_given_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_state, "CANCEL_TIMEOUT", 0.01)
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    async def scenario() -> None:
        state = await make_state()
        task = asyncio.create_task(stubborn(), name="/stubborn/?token=secret")
        state.add_task(task, FakeClient())
        await asyncio.sleep(0)
        await state.stop(stop_within(0))
        assert "/stubborn/: the handler ignores the stop of the server" in caplog.text
        assert "secret" not in caplog.text
        release.set()
        await task

    asyncio.run(scenario())


def test_no_stop_waits_for_a_task_that_was_forgotten() -> None:
    async def scenario() -> None:
        state, over = await make_state(), asyncio.Event()
        task = asyncio.create_task(finish_with(over))
        state.add_task(task, FakeClient())
        stopping = asyncio.create_task(state.stop(stop_within(WAIT)))
        await asyncio.sleep(0)
        state.forget(task)
        await stopping
        assert not task.done()
        over.set()
        await task

    asyncio.run(scenario())
