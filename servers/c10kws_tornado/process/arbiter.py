"""The parent of workers, which serves nothing: it starts, replaces and stops them."""

from __future__ import annotations

import logging
import select
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..accesslog import reopen_files
from ..safelogger import get_logger
from . import signals
from .backoff import FIRST_PAUSE, MAX_FAILURES, Backoff
from .crew import Crew
from .systemd import Notifier
from .workerprocess import WorkerProcess, describe_end

logger = get_logger("c10kws_tornado.workers")

#: Seconds without a heartbeat after which a worker is killed.
SILENCE = 60.0
#: Seconds between two looks at the workers, while one of them starts and otherwise.
FAST_TICK = 0.05
TICK = 1.0


class NoWorkerStarts(Exception):
    """Raised when no worker serves and too many starts failed in a row."""


class Arbiter:
    """Keeps ``workers`` processes of one command running until a signal.

    They accept on the same ``sockets``, which are closed when they stop. ``on_ready`` is called
    when all of them serve for the first time. INT, TERM and QUIT stop them, a second INT or QUIT
    aborts that. HUP replaces all of them: when all successors are ready, the old workers drain
    together. With ``one_by_one`` each drains when one more successor is ready, so that there is
    only one process more than usual. USR1 reopens log files. Workers that drain are killed after
    ``stop_timeout`` seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        workers: int = 1,
        *,
        stop_timeout: float,
        one_by_one: bool = False,
        on_ready: Callable[[], object] | None = None,
        silence: float = SILENCE,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._crew = Crew(command, sockets, workers, stop_timeout=stop_timeout, silence=silence)
        self._wanted = workers
        self._one_by_one = one_by_one
        self._on_ready = on_ready
        self._backoff = Backoff(first_pause)
        self._notifier = Notifier()
        self._signals: deque[int] = deque()
        self._generation = 0
        self._replacing = False
        self._replace_asked = False
        self._stopping = False
        self._hopeless = False

    def run(self) -> None:
        """Run the workers until a signal stops them. Call it in the main thread.

        Raises NoWorkerStarts.
        """
        with _wake_ups() as wake_up, signals.calling(self._signals.append):
            while not self._stopping or len(self._crew):
                self._step()
                _wait(wake_up, FAST_TICK if self._is_starting() else self._notifier.limit(TICK))
        self._crew.close()
        if self._hopeless:
            raise NoWorkerStarts(
                f"No worker is running, and {MAX_FAILURES} starts in a row failed. See the log."
            )

    def _step(self) -> None:
        while self._signals:
            self._handle_signal(self._signals.popleft())
        if self._crew.look():
            self._backoff.started()
        for worker, status in self._crew.reap():
            self._handle_end(worker, status)
        self._notifier.keep_alive()
        if not self._stopping:
            self._announce()
            if self._replacing:
                self._replace()
            elif self._replace_asked:
                self._begin_to_replace()
            self._start_missing()

    def _handle_signal(self, number: int) -> None:
        if number == signals.USR1:
            reopen_files()
            self._crew.reopen_logs()
        elif number == signals.HUP:
            self._replace_asked = True
        elif number in signals.OTHERS:
            pass
        elif not self._stopping:
            self._stop(successor=number == signal.SIGTERM)
        elif number != signal.SIGTERM:
            self._crew.hurry()

    def _stop(self, *, successor: bool) -> None:
        self._stopping = True
        self._notifier.stopping()
        self._crew.stop_listening()
        self._crew.retire(self._crew, successor=successor)

    # Starts and ends

    def _is_starting(self) -> bool:
        """Return True while fewer workers serve than should."""
        return not self._stopping and self._count_ready() < self._wanted

    def _count_ready(self) -> int:
        return sum(worker.ready for worker in self._crew.active)

    def _announce(self) -> None:
        if self._on_ready is not None and self._count_ready() == self._wanted:
            on_ready, self._on_ready = self._on_ready, None
            self._notifier.ready(f"{self._wanted} workers")
            try:
                on_ready()
            except Exception as error:  # such as a standard output that nothing reads
                logger.warning("The server is ready, but this cannot be announced: %r", error)

    def _start_missing(self) -> None:
        """Start one worker alone, and then the others; successors one after another."""
        ready = self._count_ready()
        starting = len(self._crew.active) - ready
        limit = self._wanted if ready and not self._replacing else 1
        while ready + starting < self._wanted and starting < limit and self._may_start():
            starting += 1
            try:
                self._crew.start(self._generation)
            except OSError as error:  # for example no memory
                pause = self._backoff.ended(0.0, started=False)
                logger.error("Cannot start a worker: %s; retrying in %g s.", error, pause)
                self._handle_failures()

    def _may_start(self) -> bool:
        crowded = self._one_by_one and len(self._crew) > self._wanted
        return self._backoff.over and self._crew.has_room and not (crowded or self._stopping)

    def _handle_end(self, worker: WorkerProcess, status: int) -> None:
        if worker.retiring or self._stopping:
            return
        pause = self._backoff.ended(worker.age, started=worker.ready)
        text, further = "Worker %d %s after %.1f s%s.", "starting another"
        if not worker.ready:
            text, further = "Worker %d failed to start: it %s after %.1f s%s.", "retrying"
        when = f"in {pause:g} s" if pause else "at once"
        rest = "" if self._gives_up else f"; {further} {when}"
        logger.error(text, worker.pid, describe_end(status), worker.age, rest)
        self._handle_failures()

    @property
    def _gives_up(self) -> bool:
        """True after too many failed starts, unless there are workers that serve."""
        serves = any(worker.ready for worker in self._crew)
        return self._backoff.hopeless and (self._replacing or not serves)

    def _handle_failures(self) -> None:
        if not self._gives_up:
            return
        if self._replacing:
            self._keep_old()
        else:
            self._hopeless = True
            self._stop(successor=False)

    # Another generation

    def _begin_to_replace(self) -> None:
        self._replace_asked, self._replacing = False, True
        self._generation += 1
        self._backoff.reset()
        self._notifier.reloading()
        for worker in self._crew.active:
            worker.outgoing = True
        logger.info("Replacing all workers.")

    def _replace(self) -> None:
        """Drain old workers when their successors are ready."""
        ready, outgoing = self._count_ready(), self._crew.outgoing
        done = ready == self._wanted
        surplus = len(outgoing) if done else ready + len(outgoing) - self._wanted
        if done or self._one_by_one:
            self._crew.retire(outgoing[: max(surplus, 0)], successor=True)
        if done:
            self._end_replacing("All workers were replaced.", logging.INFO)

    def _keep_old(self) -> None:
        """Stop the new workers, unless they are all that is left of one by one."""
        if not self._one_by_one:
            self._crew.retire(self._crew.active, successor=True)
        for worker in self._crew.outgoing:
            worker.outgoing = False
        text = f"{MAX_FAILURES} starts in a row failed; the old workers keep running."
        self._end_replacing(text, logging.ERROR)

    def _end_replacing(self, text: str, level: int) -> None:
        self._replacing = False
        self._backoff.reset()
        self._notifier.ready(text)
        logger.log(level, text)


@contextmanager
def _wake_ups() -> Iterator[socket.socket]:
    """Return a socket that is readable after each signal, also when a worker has ended."""
    receiving, sending = socket.socketpair()
    with receiving, sending:
        receiving.setblocking(False)
        sending.setblocking(False)
        previous = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        descriptor = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
        try:
            yield receiving
        finally:
            signal.set_wakeup_fd(descriptor)
            signal.signal(signal.SIGCHLD, previous)


def _wait(wake_up: socket.socket, timeout: float) -> None:
    """Wait for a signal."""
    if select.select([wake_up], [], [], timeout)[0]:
        wake_up.recv(4096)
