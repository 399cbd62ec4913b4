"""All running workers of a parent."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..sharedstate import SharedState
from .workerprocess import WorkerProcess

#: Longest time between two looks at the workers that counts as their silence. The parent itself may
#: have stood still for longer, with its whole container.
LONGEST_LOOK = 2.0


class Crew:
    """Workers that run the same command and accept on the same sockets.

    A worker whose event loop is silent for ``silence`` seconds is killed. One that drains is killed
    after ``stop_timeout`` seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        workers: int,
        *,
        stop_timeout: float,
        silence: float,
    ) -> None:
        self._command = command
        self._sockets = sockets
        self._state = SharedState.create(workers)
        self._stop_timeout = stop_timeout
        self._silence = silence
        self._workers: list[WorkerProcess] = []
        self._looked = time.monotonic()

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[WorkerProcess]:
        return iter(list(self._workers))

    @property
    def active(self) -> list[WorkerProcess]:
        """The workers that stay, also those that still start."""
        return [worker for worker in self._workers if worker.active]

    @property
    def outgoing(self) -> list[WorkerProcess]:
        """The workers that accept connections until their successors are ready."""
        return [worker for worker in self._workers if worker.outgoing and not worker.retiring]

    @property
    def has_room(self) -> bool:
        """True if there is a free slot for another worker."""
        return self._state.free_slot() is not None

    def start(self, generation: int) -> None:
        """Start a worker. Raises OSError if the system cannot."""
        index = self._state.free_slot()
        assert index is not None
        self._workers.append(
            WorkerProcess(self._command, self._sockets, self._state, index, generation)
        )

    def reap(self) -> Iterator[tuple[WorkerProcess, int]]:
        """Remove the workers that have ended, and yield them with their status."""
        for worker in self:
            status = worker.poll()
            if status is not None:
                self._workers.remove(worker)
                yield worker, status

    def look(self) -> bool:
        """Read the slots of all workers, and kill those that are silent or overdue.

        Return True if one more worker is ready.
        """
        now = time.monotonic()
        elapsed, self._looked = min(now - self._looked, LONGEST_LOOK), now
        before = sum(worker.ready for worker in self)
        for worker in self:
            worker.update(elapsed)
            if worker.silent >= self._silence:
                worker.kill(worker.describe_silence(), self._silence)
            elif worker.overdue:
                worker.kill("it did not stop in time.")
            elif worker.drains and not worker.retiring:
                worker.expect_end(self._stop_timeout)
        return sum(worker.ready for worker in self) > before

    def stop_listening(self) -> None:
        """Close the sockets, so that clients are refused as soon as all workers have done so.

        Otherwise the kernel would accept clients for which no process is there.
        """
        for sock in self._sockets:
            sock.close()

    def retire(self, workers: Iterable[WorkerProcess], *, successor: bool) -> None:
        """Stop workers gracefully. Their clients learn if there are successors."""
        for worker in workers:
            if not worker.retiring:
                worker.retire(self._stop_timeout, successor=successor)

    def reopen_logs(self) -> None:
        """Make all workers reopen their log files. Those that start open them anyway."""
        self._send(signal.SIGUSR1, lambda worker: worker.ready)

    def hurry(self) -> None:
        """Abort the graceful stop of all workers."""
        self._send(signal.SIGINT, lambda worker: True)

    def _send(self, number: int, condition: Callable[[WorkerProcess], bool]) -> None:
        for worker in filter(condition, self):
            worker.send(number)

    def close(self) -> None:
        """Close the shared state."""
        self._state.close()
