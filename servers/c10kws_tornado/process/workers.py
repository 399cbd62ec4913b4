"""Several processes as one server: a worker that dies is started again, all end together.

A worker's standard input is a pipe that nothing is ever written to. The parent holds its other
end: when that is closed, because the parent says so or has died in whatever way, the worker stops.
So there are no orphans, also after SIGKILL and on systems without signals.
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

#: Tells a process which worker it is.
VARIABLE = "C10KWS_TORNADO_WORKER"
#: The descriptor on which a worker writes a byte whenever it serves; not on Windows.
READY = "C10KWS_TORNADO_READY"
#: Seconds that a worker may take to serve again, after the end of its requests.
START_TIMEOUT = 60.0
#: A worker that has lived for so long (seconds) is started again at once; for others the pause
#: doubles each time.
STEADY = 5.0
FIRST_PAUSE = 0.5
#: The longest wait of the main thread (seconds).
GLANCE = 1.0
LONGEST_PAUSE = 30.0
#: Ctrl-C reaches the parent alone, which stops the others in good order.
OWN_GROUP: dict[str, Any] = (
    {"start_new_session": True}
    if os.name == "posix"
    else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
)

#: The environment that this process had as a worker.
_own: dict[str, str] = {}


class Workers:
    """The same command for each of ``names``, which a worker learns by ``own_name``.

    When they are told to stop they have ``drain_timeout`` seconds, then they are killed.
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
        # What the main thread waits for: a signal, or None for a worker that has ended for good.
        # A SimpleQueue, since a signal may interrupt anything.
        self._news: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Run them until INT, TERM or QUIT; a second one that is no TERM ends the wait for
        them. HUP restarts one after another, USR1 has all reopen their logs. Main thread."""
        with signals.calling(self._news.put):
            for name in self._names:
                threading.Thread(target=self._keep, args=(name,), name=name, daemon=True).start()
            while (number := self._next_news()) in signals.OTHERS:
                self._pass_on(number)
            self._stop()
            self._wait()

    def _next_news(self) -> int | None:
        """Wait for news, waking up from time to time: a signal that comes just before the main
        thread begins to wait does not end the wait, and its handler runs only after it."""
        while True:
            with suppress(queue.Empty):
                return self._news.get(timeout=GLANCE)

    def _pass_on(self, number: int | None) -> None:
        if number == signals.USR1:
            reopen_files()
            self._signal(lambda process: process.send_signal(signal.SIGUSR1))
        elif number == signals.HUP and (self._rolling is None or not self._rolling.is_alive()):
            self._rolling = threading.Thread(target=self._roll, name="restart", daemon=True)
            self._rolling.start()

    def _roll(self) -> None:
        """Restart one worker after another, as long as each serves again."""
        for name in self._names:
            if self._stopping.is_set():
                return
            if not self._restart(name):
                logger.error(
                    "the worker for %s does not serve after its restart; the others go on as they "
                    "are",
                    name,
                )
                return
        logger.info("all workers have been restarted")

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
        """Run one worker again and again."""
        pause = 0.0
        while not self._stopping.wait(pause):
            began = time.monotonic()
            status = self._run_once(name)
            if self._stopping.is_set():
                break
            lived = time.monotonic() - began
            pause = 0.0 if lived > STEADY else min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            logger.error(
                "the worker for %s ended with status %d after %.1f s; starting it again in %g s",
                *(name, status, lived, pause),
            )
        self._news.put(None)

    def _run_once(self, name: str) -> int:
        with self._lock:
            if self._stopping.is_set():
                return 0
            try:
                process = self._processes[name] = self._start(name)
            except OSError as error:  # no memory, say: a later try may have it
                logger.error("the worker for %s cannot be started: %s", name, error)
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
        """Return when all have ended."""
        killer = threading.Timer(self._drain_timeout, self._signal, [subprocess.Popen.kill])
        killer.start()
        left = len(self._names)
        while left:
            number = self._next_news()
            if number is None:
                left -= 1
            elif number != signal.SIGTERM and number not in signals.OTHERS:
                self._signal(interrupt)
        killer.cancel()

    def _signal(self, send: Callable[[subprocess.Popen[bytes]], None]) -> None:
        for process in self._processes.values():
            send(process)


def close_input(process: subprocess.Popen[bytes]) -> None:
    """Ask a worker to stop."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a stopping worker to end at once."""
    if os.name == "posix":
        process.send_signal(signal.SIGINT)
    else:
        process.terminate()


def own_name() -> str | None:
    """Return which worker this process is; None when it is none."""
    return os.environ.get(VARIABLE)


def end_with_parent() -> None:
    """Send this worker SIGTERM when its parent closes stdin. Its children are no workers."""
    for name in (VARIABLE, READY):
        if name in os.environ:
            _own[name] = os.environ.pop(name)
    if READY in _own:
        os.set_inheritable(int(_own[READY]), False)
    threading.Thread(target=_watch_input, name="parent", daemon=True).start()


def serves() -> None:
    """Signal to the parent of a worker that it serves."""
    if READY in _own:
        with suppress(OSError):
            os.write(int(_own[READY]), b"\n")


def restore() -> None:
    """Make the program that this process is going to execute a worker, too."""
    os.environ.update(_own)
    if READY in _own:
        os.set_inheritable(int(_own[READY]), True)


def _watch_input() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    if os.name == "posix":  # to the process: it wakes the main thread up
        os.kill(os.getpid(), signal.SIGTERM)
    else:  # os.kill would end the process at once
        signal.raise_signal(signal.SIGTERM)
