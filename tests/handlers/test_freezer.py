"""``Freezer``: when it freezes the objects of the process, and when it thaws them."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import weakref
from collections.abc import Iterator

import pytest

from c10kws.handlers import freezer as module
from c10kws.handlers.freezer import Freezer
from tests.support.waiting import WAIT

STEP = 3


class Clients:
    """Connections of a freezer, by the time at which they were opened."""

    def __init__(self, step: int | None = STEP) -> None:
        self.freezer = Freezer()
        self.freezer.enable(step)
        self.open: list[float] = []

    def enter(self, number: int = 1) -> None:
        for _ in range(number):
            self.open.append(time.monotonic())
            self.freezer.opened()

    def leave(self, number: int = 1) -> None:
        """Disconnect the oldest clients."""
        for _ in range(number):
            self.freezer.ended(self.open.pop(0))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the garbage collector, which only ``collect`` carries out."""
    names: list[str] = []
    collect = gc.collect
    monkeypatch.setattr(gc, "freeze", lambda: names.append("freeze"))
    monkeypatch.setattr(gc, "unfreeze", lambda: names.append("unfreeze"))
    monkeypatch.setattr(gc, "collect", lambda *args: (names.append("collect"), collect(0))[1])
    return names


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of memory blocks, which the test changes."""
    number = [1000]
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: number[0])
    return number


FREEZE = ["collect", "freeze"]
THAW = ["unfreeze", "collect", "freeze"]


def test_off_before_it_is_enabled_and_with_none(calls: list[str]) -> None:
    freezer = Freezer()
    for _ in range(1000):
        freezer.opened()
    Clients(None).enter(1000)
    assert calls == []


def test_each_so_many_new_connections_freeze(calls: list[str], blocks: list[int]) -> None:
    clients = Clients()
    for number in range(1, 8):
        clients.enter()
        blocks[0] += 50
        assert calls == FREEZE * (number // STEP)


def test_clients_that_stay_for_a_moment_freeze_nothing(calls: list[str]) -> None:
    clients = Clients()
    for _ in range(100):
        clients.enter(STEP - 1)
        clients.leave(STEP - 1)
    assert calls == []


def test_a_frozen_client_that_leaves_does_not_count(calls: list[str], blocks: list[int]) -> None:
    clients = Clients()
    clients.enter(STEP + STEP - 1)
    clients.leave(STEP)  # those that are frozen
    assert calls == FREEZE
    clients.enter()
    assert calls == FREEZE * 2


def test_connections_that_need_twice_as_many_blocks_thaw(
    calls: list[str], blocks: list[int]
) -> None:
    clients = Clients()
    for _ in range(3):
        blocks[0] += 100 * STEP
        clients.enter(STEP)
    assert calls == FREEZE * 3
    blocks[0] += 1300 * STEP
    clients.enter(STEP)
    assert calls == FREEZE * 3 + THAW
    blocks[0] += 500 * STEP  # no cycles: as much for each as after the thaw
    clients.enter(STEP)
    assert calls == FREEZE * 3 + THAW + FREEZE


async def turns_until(calls: list[str], count: int) -> None:
    async with asyncio.timeout(WAIT):
        while len(calls) < count:
            await asyncio.sleep(0.01)


@pytest.fixture
def no_delay(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "THAW_DELAY", 0.0)
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("no_delay")
def test_the_last_client_that_leaves_thaws_once(calls: list[str], blocks: list[int]) -> None:
    async def run() -> None:
        clients = Clients()
        for _ in range(2):
            clients.enter(STEP)
            clients.leave(STEP)
            await turns_until(calls, len(FREEZE) + len(THAW))
            assert calls == FREEZE + THAW
            clients.enter()
            clients.leave()  # nothing is frozen
            await asyncio.sleep(0.02)
            assert calls == FREEZE + THAW
            calls.clear()

    asyncio.run(run())


@pytest.mark.usefixtures("no_delay")
def test_clients_that_reconnect_prevent_the_thaw(calls: list[str], blocks: list[int]) -> None:
    async def run() -> None:
        clients = Clients()
        clients.enter(STEP)
        clients.leave(STEP)
        clients.enter()
        await asyncio.sleep(0.02)
        assert calls == FREEZE
        clients.leave()
        await turns_until(calls, len(FREEZE) + len(THAW))

    asyncio.run(run())


class Cycle:
    def __init__(self) -> None:
        self.own = self


@pytest.mark.usefixtures("no_delay")
def test_frozen_cycles_are_freed_by_the_thaw() -> None:
    async def run() -> None:
        clients = Clients()
        cycle = Cycle()
        found = weakref.ref(cycle)
        clients.enter(STEP)
        del cycle
        gc.collect()
        assert found() is not None
        clients.leave(STEP)
        async with asyncio.timeout(WAIT):
            while found() is not None:
                await asyncio.sleep(0.01)

    asyncio.run(run())
