"""One worker, as its parent sees it: a process, and its slot in the shared state."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from ..safelogger import get_logger
from ..sharedstate import Activity, SharedState
from .inheritance import environment_of

logger = get_logger("c10kws_tornado.workers")


class WorkerProcess:
    """A child process that serves. Raises OSError if it cannot be started."""

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        state: SharedState,
        index: int,
        generation: int,
    ) -> None:
        self.index = index
        #: True when it is to be replaced by a worker of the next generation.
        self.outgoing = False
        #: True when it stops, or is asked to.
        self.retiring = False
        #: True when it has accepted connections.
        self.ready = False
        self._state = state
        self._kill_at: float | None = None
        self._killed = False
        self._heartbeat = 0.0
        self._silent = 0.0
        self._started = time.monotonic()
        state.assign(index, generation)
        self._process = _start(command, sockets, state, index)

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    @property
    def active(self) -> bool:
        """True if it accepts connections or will do so."""
        return not (self.retiring or self.outgoing)

    def update(self, elapsed: float) -> None:
        """Read the slot; ``elapsed`` is the number of seconds since the last time."""
        slot = self._state.read(self.index)
        self.ready = self.ready or slot.activity in (Activity.ACCEPTING, Activity.DRAINING)
        self._silent = 0.0 if slot.heartbeat != self._heartbeat else self._silent + elapsed
        self._heartbeat = slot.heartbeat

    @property
    def drains(self) -> bool:
        """True if it stops accepting connections, possibly without being asked to."""
        return self._state.read(self.index).activity == Activity.DRAINING

    @property
    def silent(self) -> float:
        """Seconds since its last heartbeat, as far as the parent was running too."""
        return self._silent

    def describe_silence(self) -> str:
        """Return what its silence means, with a placeholder for the number of seconds."""
        if self.ready:
            return "its event loop has been blocked for %g s."
        return "it did not start within %g s."

    def poll(self) -> int | None:
        """Return the exit status; None while it runs. The slot is free when it has ended."""
        status = self._process.poll()
        if status is not None:
            self.update(0.0)
            self._close_input()
            self._state.enter(self.index, Activity.ENDED)
        return status

    def retire(self, timeout: float, *, successor: bool) -> None:
        """Stop it gracefully; it is killed after ``timeout`` seconds.

        Its WebSockets are closed with 1012 if a ``successor`` is likely, otherwise with 1001.
        """
        self.expect_end(timeout)
        self.update(0.0)
        if not self.ready:
            self.send(signal.SIGTERM)  # it may not watch its input yet, for example during imports
        if successor or not self.ready:
            self._close_input()
        else:
            self.send(signal.SIGINT)

    def expect_end(self, timeout: float) -> None:
        """Kill it if it still runs after ``timeout`` seconds."""
        self.retiring = True
        self._kill_at = time.monotonic() + timeout

    @property
    def overdue(self) -> bool:
        """True when it should have ended."""
        return self._kill_at is not None and time.monotonic() > self._kill_at

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        self._process.send_signal(number)

    def kill(self, reason: str, *arguments: object) -> None:
        """End it at once, and log the reason."""
        if not self._killed:
            self._killed = True
            logger.error("Killing worker %d: " + reason, self.pid, *arguments)
            self._process.kill()

    def _close_input(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()


def describe_end(status: int) -> str:
    """Return how a process ended, for the log."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was killed by signal {-status}"


def _start(
    command: Sequence[str], sockets: Sequence[socket.socket], state: SharedState, index: int
) -> subprocess.Popen[bytes]:
    descriptors = [sock.fileno() for sock in sockets]
    try:
        process = subprocess.Popen(
            command,
            env=os.environ | environment_of(descriptors, state, index),
            stdin=subprocess.PIPE,
            pass_fds=(state.fd, *descriptors),
            process_group=0,  # only the parent receives Ctrl-C, and stops the workers gracefully
        )
    except OSError:
        state.enter(index, Activity.ENDED)
        raise
    state.set_pid(index, process.pid)
    return process
