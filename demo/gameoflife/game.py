"""A game: all cells of a grid in one process, each with its own connection."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from .cells import Cell, StepClock
from .grid import Living, names, neighbours

#: Maximum number of simultaneous handshakes; the server's listen queue is longer.
RAMP = 50
#: Seconds without a message, in addition to the time of a step, after which a game is given up.
STALL = 60.0


class GameStopped(Exception):
    """The game cannot continue; the message names the cell and the cause."""


class Game:
    """A cell for each position of a square grid.

    ``url`` is that of the relay, with a slash at its end; ``limit`` is steps a second. ``steps``
    None plays until the task is cancelled.
    """

    def __init__(
        self,
        url: str,
        living: Living,
        size: int,
        *,
        wrap: bool,
        limit: float,
        steps: int | None,
        stall: float = STALL,
    ) -> None:
        self.url = url
        self.size = size
        self.steps = steps
        self._began = self._ended = 0.0
        self._cells = [
            Cell(name, neighbours(name, size, wrap=wrap), name in living) for name in names(size)
        ]
        self._clock = StepClock(limit)
        self._patience = stall + 1 / limit
        self._ramp = asyncio.Semaphore(RAMP)
        self._together = asyncio.Barrier(len(self._cells))

    @property
    def step(self) -> int:
        """The latest step that a cell has begun."""
        return self._clock.step

    @property
    def heard(self) -> int:
        """The number of messages that all cells have received."""
        return sum(cell.heard for cell in self._cells)

    @property
    def seconds(self) -> float:
        """Seconds from the last connection to the first end of a cell; 0 before the game began."""
        return self._ended - self._began if self._began else 0.0

    @property
    def living(self) -> Living:
        """The living cells. When the game has ended, all states are of one step."""
        return {cell.name for cell in self._cells if cell.alive}

    async def play(self) -> None:
        """Play to the end; raise GameStopped when a connection is lost or no message arrives."""
        try:
            async with asyncio.TaskGroup() as game:
                watch = game.create_task(self._watch())
                async with asyncio.TaskGroup() as cells:
                    for cell in reversed(self._cells):  # so that a page knows the size immediately
                        cells.create_task(self._take_part(cell))
                watch.cancel()
        except ExceptionGroup as errors:
            raise _first(errors) from None

    async def _take_part(self, cell: Cell) -> None:
        async with AsyncExitStack() as connections:
            async with self._ramp:
                ws = await self._connect(cell, connections)
            await self._begin()
            try:
                await cell.play(ws, self._clock, self.steps)
            except WebSocketException as error:
                raise GameStopped(f"{cell} lost its connection: {error}") from error
            finally:
                self._ended = self._ended or time.monotonic()

    async def _connect(self, cell: Cell, connections: AsyncExitStack) -> ClientConnection:
        row, column = cell.name
        url = f"{self.url}{row}/{column}/"
        connecting = connect(
            url,
            compression=None,
            open_timeout=STALL,
            ping_interval=None,  # the server sends Pings
            proxy=None,
        )
        try:
            return await connections.enter_async_context(connecting)
        except (OSError, WebSocketException) as error:
            raise GameStopped(
                f"{cell} cannot connect to {url}: {error}; is the server running, and may it open "
                "enough files (ulimit -n)?"
            ) from error

    async def _begin(self) -> None:
        """Wait until all cells are connected."""
        if await self._together.wait() == 0:
            self._began = time.monotonic()

    async def _watch(self) -> None:
        """Give up when no message arrives: the relay may hang without closing its connections."""
        while True:
            before = self._together.n_waiting, self.heard
            await asyncio.sleep(self._patience)
            if before == (self._together.n_waiting, self.heard):
                raise GameStopped(f"no message from {self.url} for {self._patience:.0f} seconds")


def _first(error: Exception) -> Exception:
    """Return the first error; the others follow from it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
