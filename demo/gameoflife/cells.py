"""Cells: clients of the relay. A cell knows its state, its neighbours and the rule."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from websockets.asyncio.client import ClientConnection

from .grid import Name
from .rules import lives


class StepClock:
    """Clock of all cells. The first cell that reaches a step sets the time when it begins."""

    def __init__(self, limit: float) -> None:
        self.step = 0
        self._interval = 1 / limit
        self._begins = 0.0

    async def wait(self, step: int) -> None:
        """Return when a step may begin."""
        now = asyncio.get_running_loop().time()
        if step > self.step:
            self.step = step
            self._begins = max(self._begins + self._interval, now)
        if step == self.step and self._begins > now:
            await asyncio.sleep(self._begins - now)


class Cell:
    """One cell. Its neighbours are at most one step ahead, since each step needs its state."""

    def __init__(self, name: Name, neighbours: Sequence[Name], alive: bool) -> None:
        self.name = name
        self.neighbours = neighbours
        self.alive = alive
        self.heard = 0
        self._states: defaultdict[int, list[bool]] = defaultdict(list)

    def __str__(self) -> str:
        return "cell {},{}".format(*self.name)

    async def play(self, ws: ClientConnection, clock: StepClock, steps: int | None) -> None:
        """Play ``steps`` steps, or forever. Raises ConnectionClosed when the relay ends."""
        await ws.send(" ".join(f"{row},{column}" for row, column in self.neighbours))
        await ws.send(f"0 {self.alive:d}")
        step = 0
        while step != steps:
            living = await self._hear(ws, step)
            step += 1
            await clock.wait(step)
            self.alive = lives(self.alive, living)
            await ws.send(f"{step} {self.alive:d}")

    async def _hear(self, ws: ClientConnection, step: int) -> int:
        """Wait for the states of all neighbours in this step; return how many are alive."""
        while len(self._states[step]) < len(self.neighbours):
            _, its_step, state = (await ws.recv(decode=True)).split()
            self._states[int(its_step)].append(state == "1")
            self.heard += 1
        return sum(self._states.pop(step))
