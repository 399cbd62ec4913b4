"""The servers of a process: one state for each, found through the contract."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from c10kws.handlers.server_state import ServerState
from c10kws.handlers.servers import KEY, Servers
from c10kws.test.stop import ImmediateStop
from tests.support.contracts import MemoryServer


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_each_server_has_one_state(loop: asyncio.AbstractEventLoop) -> None:
    servers, one, two = Servers(), MemoryServer(loop), MemoryServer(loop)
    state = servers.state_of(one.contract())
    assert servers.state_of(one.contract()) is state
    assert one.state == {KEY: state}
    assert servers.state_of(two.contract()) is not state
    assert set(servers.running) == {state, two.state[KEY]}
    assert len(one.callbacks) == len(two.callbacks) == 1


def test_threads_that_ask_together_get_one_state(loop: asyncio.AbstractEventLoop) -> None:
    servers, server = Servers(), MemoryServer(loop)
    barrier = threading.Barrier(8)

    def ask(_: int) -> ServerState:
        barrier.wait()
        return servers.state_of(server.contract())

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(server.callbacks) == 1


def test_a_server_serves_from_its_first_client_to_its_stop(
    loop: asyncio.AbstractEventLoop,
) -> None:
    servers, server = Servers(), MemoryServer(loop)
    assert not servers.serving
    state = servers.state_of(server.contract())
    assert servers.serving
    stopping = server.callbacks[0](ImmediateStop(1001, loop.time()))
    assert stopping is not None
    loop.run_until_complete(asyncio.wait_for(stopping, 5))
    assert state.stopping
    assert not servers.serving
    assert not servers.running


class FailingObserver:
    def started(self, state: ServerState) -> None:
        raise RuntimeError("can't start new thread")

    stopped = started


def test_an_observer_that_fails_does_not_prevent_the_stop(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    servers, server = Servers(), MemoryServer(loop)
    servers.observe(FailingObserver())
    state = servers.state_of(server.contract())
    stopping = server.callbacks[0](ImmediateStop(1001, loop.time()))
    assert stopping is not None
    loop.run_until_complete(asyncio.wait_for(stopping, 5))
    assert state.stopping
    assert not servers.running
    assert caplog.text.count("An observer of the server failed") == 2


def test_an_announcement_makes_a_process_a_server() -> None:
    servers = Servers()
    servers.announce(Servers)
    servers.announce(MemoryServer)
    servers.announce(MemoryServer)
    servers.retract(MemoryServer)
    assert servers.serving
    servers.retract(Servers)
    servers.retract(Servers)
    assert not servers.serving


def test_within_the_block_nothing_serves(loop: asyncio.AbstractEventLoop) -> None:
    servers, server = Servers(), MemoryServer(loop)
    state = servers.state_of(server.contract())
    servers.announce(Servers)
    with servers.set_aside():
        assert not servers.serving
        servers.announce(MemoryServer)
        assert servers.serving
    assert set(servers.running) == {state}
    servers.retract(Servers)
    assert servers.serving


def test_the_child_of_a_server_serves_nothing_and_that_of_a_parent_of_workers_does(
    loop: asyncio.AbstractEventLoop,
) -> None:
    parent = Servers()
    parent.announce(Servers)
    parent.forget_after_fork()
    assert parent.serving
    parent.state_of(MemoryServer(loop).contract())
    parent.forget_after_fork()
    assert not parent.serving
