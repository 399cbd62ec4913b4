"""Several processes as one server: a worker that dies is restarted, and all stop together.

A worker's standard input is a pipe that nothing is written to. The parent holds the other end. The
worker stops when that end is closed, by the parent or because the parent has died. So there are no
orphans, even after SIGKILL and on systems without signals.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ..accesslog import reopen_files
from ..safelogger import get_logger
from . import signals

logger = get_logger("c10kws_tornado")

#: The environment variable with the name of a worker.
VARIABLE = "C10KWS_TORNADO_WORKER"
#: The variable with the descriptor on which a worker reports that it serves; not on Windows.
READY = "C10KWS_TORNADO_READY"
#: Seconds that a restarted worker may take to serve, after the end of its requests.
START_TIMEOUT = 60.0
#: Seconds after which a worker that ends is restarted at once. Others are restarted after a pause
#: that doubles each time.
STEADY = 5.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: Seconds after which the main thread wakes up to run handlers of signals.
WAKE_UP_INTERVAL = 1.0
#: Only the parent receives Ctrl-C, and shuts the workers down gracefully.
OWN_GROUP: dict[str, Any] = (
    {"start_new_session": True}
    if os.name == "posix"
    else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
)

#: The variables of this process as a worker.
_own: dict[str, str] = {}


class Workers:
    """Child processes that run the same command, one for each of ``names``.

    At shutdown, workers that still run after ``drain_timeout`` seconds are killed.
    """

    def __init__(self, command: Sequence[str], names: Sequence[str], drain_timeout: float) -> None:
        self._command = command
        self._names = names
        self._drain_timeout = drain_timeout
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ready: dict[str, int] = {}
        self._rolling: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        # A signal, or None for a worker that has ended for good. A SimpleQueue, because handlers
        # of signals put into it.
        self._messages: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Run the workers until INT, TERM or QUIT. Call it in the main thread.

        A second INT or QUIT aborts their shutdown. HUP restarts one after another. USR1 makes all
        of them reopen their logs.
        """
        with signals.calling(self._messages.put):
            for name in self._names:
                threading.Thread(target=self._keep, args=(name,), name=name, daemon=True).start()
            while (number := self._next_message()) in signals.OTHERS:
                self._pass_on(number)
            self._stop()
            self._wait()

    def _next_message(self) -> int | None:
        """Wait for a message, waking up from time to time.

        A signal that arrives just before the main thread waits does not end the wait, and its
        handler runs only after it.
        """
        while True:
            with suppress(queue.Empty):
                return self._messages.get(timeout=WAKE_UP_INTERVAL)

    def _pass_on(self, number: int | None) -> None:
        if number == signals.USR1:
            reopen_files()
            self._signal(lambda process: process.send_signal(signal.SIGUSR1))
        elif number == signals.HUP and (self._rolling is None or not self._rolling.is_alive()):
            self._rolling = threading.Thread(target=self._roll, name="restart", daemon=True)
            self._rolling.start()

    def _roll(self) -> None:
        """Restart one worker after another; stop at one that does not serve again."""
        for name in self._names:
            if self._stopping.is_set():
                return
            if not self._restart(name):
                logger.error(
                    "The worker for %s did not serve after its restart; the others were not "
                    "restarted.",
                    name,
                )
                return
        logger.info("All workers were restarted.")

    def _restart(self, name: str) -> bool:
        """Send a worker HUP and wait until it serves again."""
        with self._lock:
            process, ready = self._processes[name], os.dup(self._ready[name])
        try:
            while select.select([ready], [], [], 0)[0] and os.read(ready, 1024):
                pass
            process.send_signal(signal.SIGHUP)
            timeout = self._drain_timeout + START_TIMEOUT
            return bool(select.select([ready], [], [], timeout)[0] and os.read(ready, 1024))
        finally:
            os.close(ready)

    def _keep(self, name: str) -> None:
        """Run one worker, and restart it when it ends."""
        pause = 0.0
        while not self._stopping.wait(pause):
            began = time.monotonic()
            status = self._run_once(name)
            if self._stopping.is_set():
                break
            lived = time.monotonic() - began
            pause = 0.0 if lived > STEADY else min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            logger.error(
                "The worker for %s ended with status %d after %.1f s; restarting it in %g s.",
                *(name, status, lived, pause),
            )
        self._messages.put(None)

    def _run_once(self, name: str) -> int:
        with self._lock:
            if self._stopping.is_set():
                return 0
            try:
                process = self._processes[name] = self._start(name)
            except OSError as error:  # for example no memory: retry later
                logger.error("The worker for %s could not be started: %s", name, error)
                return error.errno or 1
        status = process.wait()
        close_input(process)
        return status

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        environ = os.environ | {VARIABLE: name}
        options: dict[str, Any] = {"stdin": subprocess.PIPE, **OWN_GROUP}
        if os.name != "posix":
            return subprocess.Popen(self._command, env=environ, **options)
        if name in self._ready:
            os.close(self._ready.pop(name))
        self._ready[name], write = os.pipe()
        try:
            environ[READY] = str(write)
            return subprocess.Popen(self._command, env=environ, pass_fds=(write,), **options)
        finally:
            os.close(write)

    def _stop(self) -> None:
        with self._lock:
            self._stopping.set()
        for process in self._processes.values():
            close_input(process)

    def _wait(self) -> None:
        """Return when all workers have ended."""
        killer = threading.Timer(self._drain_timeout, self._signal, [subprocess.Popen.kill])
        killer.start()
        left = len(self._names)
        while left:
            number = self._next_message()
            if number is None:
                left -= 1
            elif number != signal.SIGTERM and number not in signals.OTHERS:
                self._signal(interrupt)
        killer.cancel()

    def _signal(self, send: Callable[[subprocess.Popen[bytes]], None]) -> None:
        for process in self._processes.values():
            send(process)


def close_input(process: subprocess.Popen[bytes]) -> None:
    """Shut a worker down gracefully."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Abort the shutdown of a worker."""
    if os.name == "posix":
        process.send_signal(signal.SIGINT)
    else:
        process.terminate()


def own_name() -> str | None:
    """Return the name of this worker; None when this process is not a worker."""
    return os.environ.get(VARIABLE)


def end_with_parent() -> None:
    """Send this worker SIGTERM when its parent closes stdin.

    Child processes do not inherit the worker role.
    """
    for name in (VARIABLE, READY):
        if name in os.environ:
            _own[name] = os.environ.pop(name)
    if READY in _own:
        os.set_inheritable(int(_own[READY]), False)
    threading.Thread(target=_watch_input, name="parent", daemon=True).start()


def serves() -> None:
    """Report to the parent that this worker serves."""
    if READY in _own:
        with suppress(OSError):
            os.write(int(_own[READY]), b"\n")


def restore() -> None:
    """Make the program that this process executes next a worker, too."""
    os.environ.update(_own)
    if READY in _own:
        os.set_inheritable(int(_own[READY]), True)


def _watch_input() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    if os.name == "posix":  # to the process, which wakes up the main thread
        os.kill(os.getpid(), signal.SIGTERM)
    else:  # os.kill would end the process immediately
        signal.raise_signal(signal.SIGTERM)
