"""Clean-up in a forked child of a server, for example one that multiprocessing starts in a view.

Python copies signal handlers and descriptors to the child. With the server's handlers it would
ignore TERM, and with the listening sockets it would keep the port after the end of the server.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

_calls: list[Callable[[], object]] = []


def register(call: Callable[[], object]) -> None:
    """Call a function in each child that this process forks, as its first act."""
    _calls.append(call)


def unregister(call: Callable[[], object]) -> None:
    """Undo :func:`register`."""
    with suppress(ValueError):
        _calls.remove(call)


def _run() -> None:
    while _calls:
        _calls.pop()()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_run)
