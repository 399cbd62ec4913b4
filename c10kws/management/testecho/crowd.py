"""The clients of one process. All of them finish a phase before the next one begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from ...protocol.closing import CloseCode
from .echo_client import EchoClient, Failed
from .plan import Plan, Seat
from .talk import GOODBYE, GREETING, echoes
from .tally import Tally

T = TypeVar("T")


class Crowd:
    """The part of a plan that one process has. An idle client has no task and no timer."""

    def __init__(self, plan: Plan, process: int) -> None:
        self.tally = Tally()
        #: Clients that have finished the current phase, failed ones included.
        self.done = 0
        self._plan = plan
        self._seats = list(plan.seats(process))
        self._workers = max(plan.concurrency // plan.processes, 1)
        self._pause = plan.processes / plan.ramp if plan.ramp else 0.0
        self._held: list[EchoClient] = []

    async def open(self) -> None:
        """Open all connections; each must receive the greeting."""
        self._next = time.monotonic()
        await self._each(self._open, self._seats)

    async def speak(self, number: int) -> None:
        """Run a round, counted from 0, with each open client; the last one ends with the Close."""

        async def speak(client: EchoClient) -> None:
            await self._speak(client, number)

        held, self._held = self._held, []
        await self._each(speak, held)

    def abort(self) -> None:
        """Abort the open connections."""
        for client in self._held:
            client.abort()

    async def _each(self, step: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Run a step for every item, for a limited number of items at a time."""
        waiting = iter(items)
        self.done = 0

        async def work() -> None:
            for item in waiting:
                await step(item)
                self.done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(work())

    async def _open(self, seat: Seat) -> None:
        await self._ramp()
        client = EchoClient(self._plan.timeout)
        try:
            begin = time.perf_counter()
            await client.open(seat)
            self.tally.handshakes.append(time.perf_counter() - begin)
            await client.expect(GREETING)
        except Failed as failed:
            self._fail(client, failed)
        else:
            self.tally.connected += 1
            self._held.append(client)

    async def _ramp(self) -> None:
        """Wait until this process may open its next connection."""
        if self._pause:
            self._next += self._pause
            await asyncio.sleep(self._next - time.monotonic())

    async def _speak(self, client: EchoClient, number: int) -> None:
        try:
            await self._echo(client, number)
            if number + 1 == self._plan.rounds:
                await client.expect(GOODBYE)
                await client.expect_close(CloseCode.NORMAL_CLOSURE)
                self.tally.finished += 1
            else:
                self._held.append(client)
        except Failed as failed:
            self._fail(client, failed)

    async def _echo(self, client: EchoClient, number: int) -> None:
        for message, answer in echoes(number):
            begin = time.perf_counter()
            client.send(message)
            await client.expect(answer)
            self.tally.echoes.append(time.perf_counter() - begin)

    def _fail(self, client: EchoClient, failed: Failed) -> None:
        self.tally.fail(str(failed))
        client.abort()
