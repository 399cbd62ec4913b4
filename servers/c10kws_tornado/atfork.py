"""Clean-up in the forked children of a server, such as multiprocessing starts in a view.

A child inherits signal handlers and descriptors. With the server's handlers it would ignore TERM.
With the listening sockets it would keep the port in use after the end of the server.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

_calls: list[Callable[[], object]] = []


def register(call: Callable[[], object]) -> None:
    """Call a function first in each child that this process forks."""
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
