"""The signals of a server.

The first of :data:`STOP` shuts it down gracefully. A second one aborts the shutdown, except TERM,
which a process may receive twice: systemd sends it to all processes of a unit, and a parent to its
workers. HUP is a stop after which a successor is expected; a parent of workers replaces them. USR1
reopens log files, USR2 does nothing. Windows has none of these three.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .. import atfork

#: Windows has SIGBREAK, POSIX has SIGQUIT.
STOP = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGBREAK")
HUP: int | None = getattr(signal, "SIGHUP", None)
USR1: int | None = getattr(signal, "SIGUSR1", None)
USR2: int | None = getattr(signal, "SIGUSR2", None)
#: Signals that do not stop the server.
OTHERS = frozenset(number for number in (HUP, USR1, USR2) if number is not None)


@contextmanager
def calling(handle: Callable[[int], object]) -> Iterator[None]:
    """Call ``handle(number)`` for each signal, and restore the previous handlers at the end.

    It is called between two bytecodes of the main thread, so it must not take a lock. In another
    thread this context does nothing, since only the main thread handles signals. HUP from a closed
    terminal is handled as TERM; HUP that ``nohup`` ignores stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = _install(handle)

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    atfork.register(restore)
    try:
        yield
    finally:
        atfork.unregister(restore)
        restore()


def _install(handle: Callable[[int], object]) -> dict[int, Any]:
    """Set the handlers of all signals; return the previous ones."""
    on_terminal = _on_terminal()

    def convert(number: int, frame: object) -> None:
        closed = number == HUP and on_terminal and not _on_terminal()
        handle(signal.SIGTERM if closed else number)

    numbers = [getattr(signal, name) for name in STOP if hasattr(signal, name)]
    numbers += [each for each in OTHERS if signal.getsignal(each) != signal.SIG_IGN]
    return {number: signal.signal(number, convert) for number in numbers}


def _on_terminal() -> bool:
    with suppress(OSError):
        return os.isatty(0)
    return False
