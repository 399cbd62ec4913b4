"""The client processes, from their parent's side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType

from .ctrl_c import Interrupts
from .plan import Plan
from .tally import Tally
from .worker import PhaseProgress, work

#: Seconds without a report after which a process counts as lost.
SILENCE = 60.0
#: Seconds that a process may take to end.
END = 10.0

#: Called with the number of clients that have finished a phase, and of those that failed.
Show = Callable[[int, int], None]


class Interrupted(Exception):
    """Ctrl-C was pressed."""


class Processes:
    """All client processes of a plan; leaving the context ends them."""

    def __init__(self, plan: Plan, interrupts: Interrupts) -> None:
        self._plan = plan
        self._interrupts = interrupts
        self._tally = Tally()
        self._members: dict[Connection, tuple[SpawnProcess, int]] = {}

    def __enter__(self) -> Processes:
        with self._interrupts.ignored():
            for number in range(self._plan.processes):
                self._start(number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process, _ in self._members.values():
            process.terminate()
        for pipe, (process, _) in self._members.items():
            process.join(END)
            process.kill()
            pipe.close()

    def run_phase(self, show: Show, before: int = 0) -> int:
        """Run the next phase in all processes; return how many clients have failed at its end.

        ``before`` is added to the number of finished clients that is shown. Raises Interrupted
        after Ctrl-C.
        """
        states = dict.fromkeys(self._members, PhaseProgress())
        for pipe in self._members:
            with suppress(BrokenPipeError):  # _receive handles its end
                pipe.send(True)
        while waiting := [pipe for pipe in self._members if not states[pipe].over]:
            for pipe, message in self._receive(waiting):
                if isinstance(message, PhaseProgress):
                    states[pipe] = message
            if self._interrupts.noted:
                raise Interrupted
            show(before + sum(state.done for state in states.values()), self._failed(states))
        return self._failed(states)

    def stop(self) -> Tally:
        """End all processes, in any phase; return their counts."""
        for pipe in self._members:
            with suppress(BrokenPipeError):
                pipe.send(False)
        waiting = list(self._members)
        while waiting:
            for pipe, message in self._receive(waiting, END):
                if isinstance(message, Tally):
                    self._tally.add(message)
                    waiting.remove(pipe)
            waiting = [pipe for pipe in waiting if pipe in self._members]
        return self._tally

    def _failed(self, states: dict[Connection, PhaseProgress]) -> int:
        return self._tally.failed + sum(states[pipe].failed for pipe in self._members)

    def _start(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, self._plan, number), daemon=True)
        process.start()
        theirs.close()
        self._members[ours] = process, self._plan.size(number)

    def _receive(
        self, pipes: list[Connection], timeout: float = SILENCE
    ) -> Iterator[tuple[Connection, object]]:
        """Yield the next messages; a process that sends nothing until the timeout is lost."""
        ready = wait(pipes, timeout)
        for pipe in [pipe for pipe in pipes if pipe in ready or not ready]:
            try:
                if not ready:
                    raise TimeoutError
                yield pipe, pipe.recv()
            except (EOFError, OSError):
                self._lose(pipe)

    def _lose(self, pipe: Connection) -> None:
        """Count the clients of a process that has ended or hangs as failed."""
        process, clients = self._members.pop(pipe)
        process.join(END)
        how = f"ended with {process.exitcode}" if process.exitcode is not None else "hangs"
        process.kill()
        pipe.close()
        self._tally.fail(f"their client process {how}", clients)
