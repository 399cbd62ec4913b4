"""The signals that end a server.

The first stops it in good order, and another one ends that, but for TERM. It may come to a process
twice: systemd sends it to all processes of a unit, and a parent tells its workers beside that.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Windows has SIGBREAK, POSIX has SIGQUIT.
NAMES = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGBREAK")


@contextmanager
def calling(handle: Callable[[int], object]) -> Iterator[None]:
    """Call ``handle(number)`` at each signal, and put the handlers back at the end.

    It runs between two bytecodes of the main thread, so it must not take a lock. Signals are
    looked at in the main thread alone: in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    previous = {
        number: signal.signal(number, lambda number, _: handle(number)) for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
