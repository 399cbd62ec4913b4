"""The client processes, as their parent sees them: started, told what to do, and ended."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType

from .plan import Plan
from .tally import Tally
from .worker import Progress, work

#: Seconds without a report after which a process counts as lost.
SILENCE = 60.0
#: Seconds that a process has for its end.
END = 10.0

#: Told how many clients are through with a phase, and how many have failed so far.
Show = Callable[[int, int], None]


class Processes:
    """All client processes of a plan; leaving the context ends them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tally = Tally()
        self._members: dict[Connection, tuple[SpawnProcess, int]] = {}

    def __enter__(self) -> Processes:
        with _sheltered():
            for number in range(self._plan.processes):
                self._start(number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _sheltered():
            for process, _ in self._members.values():
                process.terminate()
            for pipe, (process, _) in self._members.items():
                process.join(END)
                if process.is_alive():
                    process.kill()
                pipe.close()

    def run_phase(self, show: Show, before: int = 0) -> int:
        """Let all processes do the next phase; return how many clients have failed by its end.

        ``before`` is added to the number of clients that are shown as through.
        """
        states = dict.fromkeys(self._members, Progress())
        for pipe in self._members:
            with suppress(BrokenPipeError):  # its end is noticed below
                pipe.send(True)
        while waiting := [pipe for pipe in self._members if not states[pipe].over]:
            for pipe, message in self._receive(waiting):
                if isinstance(message, Progress):
                    states[pipe] = message
            show(before + sum(state.done for state in states.values()), self._failed(states))
        return self._failed(states)

    def stop(self) -> Tally:
        """Let all processes end, wherever they are; return what they have counted."""
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

    def _failed(self, states: dict[Connection, Progress]) -> int:
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
        """Yield what comes next; processes that say nothing more are lost."""
        ready = [pipe for pipe in wait(pipes, timeout) if isinstance(pipe, Connection)]
        for pipe in ready or pipes:
            try:
                if not ready:
                    raise TimeoutError
                yield pipe, pipe.recv()
            except (EOFError, OSError):
                self._lose(pipe)

    def _lose(self, pipe: Connection) -> None:
        """Count the clients of a process that has ended, or hangs, as failed."""
        process, clients = self._members.pop(pipe)
        process.join(END)
        how = f"ended with {process.exitcode}" if process.exitcode is not None else "hangs"
        process.kill()
        pipe.close()
        self._tally.fail(f"their client process {how}", clients)


@contextmanager
def _sheltered() -> Iterator[None]:
    """Ignore Ctrl-C meanwhile: a new process inherits that, and an end is not cut short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
