"""A game: all cells of a grid in one process, each with its own connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from .cells import Cell, Pace
from .grid import Living, names, neighbours

#: Opening handshakes under way at once; the server's listening queue is longer.
RAMP = 50
#: Seconds without progress, beyond what the limit of steps makes of it, before a game is given up.
STALL = 60.0


class GameStopped(Exception):
    """The game cannot go on; says which cell lost what."""


class Game:
    """A cell for each place of a square grid, ready to play.

    ``url`` is that of the relay, with a slash at its end; ``limit`` is steps a second. ``steps``
    None plays until the task is cancelled. ``begun`` is called when all cells are connected.
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
        begun: Callable[[], None],
    ) -> None:
        self.url = url
        self.size = size
        self.steps = steps
        self.seconds = 0.0
        self._cells = [
            Cell(name, neighbours(name, size, wrap=wrap), name in living) for name in names(size)
        ]
        self._pace = Pace(limit)
        self._patience = STALL + 1 / limit
        self._ramp = asyncio.Semaphore(RAMP)
        self._connected = asyncio.Barrier(len(self._cells))
        self._begun = begun

    @property
    def step(self) -> int:
        """The furthest step that a cell has begun."""
        return self._pace.step

    @property
    def heard(self) -> int:
        """How many messages have come to all cells."""
        return sum(cell.heard for cell in self._cells)

    @property
    def living(self) -> Living:
        """The cells that live; of one step when the game has ended by itself."""
        return {cell.name for cell in self._cells if cell.alive}

    async def play(self) -> None:
        """Play to the end; raise GameStopped when a connection is lost or nothing goes on."""
        try:
            async with asyncio.TaskGroup() as game:
                watch = game.create_task(self._watch())
                async with asyncio.TaskGroup() as cells:
                    for cell in reversed(self._cells):  # so the relay knows at once how many
                        cells.create_task(self._take_part(cell))
                watch.cancel()
        except ExceptionGroup as errors:
            raise _first(errors) from None

    async def _take_part(self, cell: Cell) -> None:
        row, column = cell.name
        try:
            async with self._ramp:
                connection = await connect(
                    f"{self.url}{row}/{column}/",
                    compression=None,
                    open_timeout=STALL,
                    ping_interval=None,  # the server sends Pings enough
                    proxy=None,
                )
            async with connection:
                await self._begin()
                await cell.play(connection, self._pace, self.steps)
        except (OSError, ConnectionClosed, InvalidHandshake) as error:
            raise GameStopped(f"cell {row},{column} of {self.url}: {error}") from error

    async def _begin(self) -> None:
        """Wait for the connections of all."""
        if await self._connected.wait() == 0:
            self._started = time.monotonic()
            self._begun()

    async def _watch(self) -> None:
        """Give up when nothing goes on: a relay may hang without a word."""
        before = None
        while before != (before := (self._connected.n_waiting, self.heard)):
            await asyncio.sleep(self._patience)
        raise GameStopped(f"nothing has come from {self.url} for {self._patience:.0f} seconds")


def _first(error: BaseException) -> BaseException:
    """Return what went wrong first; the rest followed from it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
