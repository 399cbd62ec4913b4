"""A client process, which runs its phases at its parent's command and reports its progress.

``True`` from the parent starts the next phase; ``False``, or the parent's end, stops the process.
It sends :class:`PhaseProgress`, and its :class:`Tally` at the end.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread

from .crowd import Crowd
from .plan import Plan

#: Seconds between two reports.
INTERVAL = 0.2


@dataclass(frozen=True, slots=True)
class PhaseProgress:
    """The progress of a process in its current phase."""

    done: int = 0
    #: Failed clients of all phases.
    failed: int = 0
    over: bool = False


def work(pipe: Connection, plan: Plan, process: int) -> None:
    """Carry out the part of a plan that this process has: its main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    # A full garbage collection of 20,000 clients takes a second, which would count as time of the
    # server. The clients make no cycles that grow.
    gc.disable()
    crowd = Crowd(plan, process)
    with suppress(BrokenPipeError):
        asyncio.run(_take_part(pipe, crowd, plan.rounds))
        pipe.send(crowd.tally)


async def _take_part(pipe: Connection, crowd: Crowd, rounds: int) -> None:
    orders: asyncio.Queue[None] = asyncio.Queue()
    _obey(pipe, orders)
    try:
        for phase in _phases(crowd, rounds):
            await orders.get()
            reporting = asyncio.create_task(_report(pipe, crowd))
            await phase()
            reporting.cancel()
            pipe.send(PhaseProgress(crowd.done, crowd.tally.failed, over=True))
    except asyncio.CancelledError:  # the parent stops this process
        pass
    finally:
        crowd.abort()


def _phases(crowd: Crowd, rounds: int) -> Iterator[Callable[[], Awaitable[None]]]:
    yield crowd.open
    for number in range(rounds):
        yield partial(crowd.speak, number)


def _obey(pipe: Connection, orders: asyncio.Queue[None]) -> None:
    """Pass on the parent's commands, from a thread: on Windows no loop can watch a pipe."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None

    def listen() -> None:
        with suppress(RuntimeError):  # the loop has ended
            with suppress(EOFError, OSError):
                while pipe.recv():
                    loop.call_soon_threadsafe(orders.put_nowait, None)
            loop.call_soon_threadsafe(main.cancel)

    Thread(target=listen, daemon=True).start()


async def _report(pipe: Connection, crowd: Crowd) -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        pipe.send(PhaseProgress(crowd.done, crowd.tally.failed))
